"""Standards as YAML: one file a standard, checked strictly.

A row gives one parameter's values: one number for every column, or a mapping of columns to numbers. What a
row does not state (period, source, certainty) it takes from the top of its file. Dates without a time are
midnight in Vietnam; ``valid_from`` is inclusive, ``valid_to`` exclusive. When a replaced standard ends is
stated by the file of the one that replaces it: see :mod:`schemas.limits.replacements`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from quantrac.domain import limits as domain
from quantrac.domain.catalogue import look_up_parameter
from quantrac.domain.periods import Period
from quantrac.domain.registry.stations import StationType
from quantrac.domain.registry.validity import Valid, overlap
from quantrac.domain.units import canonical_unit
from quantrac.domain.warning_levels import WarningShares
from quantrac.errors import UserError
from schemas.limits.replacements import Replacing, end_replaced
from schemas.messages.base import Message
from schemas.messages.registry.fields import CatalogueCode, Dated
from schemas.validation_errors import first_problem
from schemas.yaml_files import load_yaml_file

NATIONAL = Path(__file__).parent / "national"
"""The shipped standards."""
WARNING = Path(__file__).parent / "warning.yaml"
"""The shipped shares of a limit."""

Text = Annotated[str, Field(min_length=1)]
ByColumn = float | dict[str, float]
"""A number for every column, or one for each column named."""
Model = TypeVar("Model", bound=Message)


class Coefficient(Message):
    """A factor of the standard's values."""

    about: Text
    """What it depends on."""
    not_for: tuple[CatalogueCode, ...] = ()
    """Parameters that it does not multiply."""
    values: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(default_factory=dict)]
    """By when it is this one."""
    source: Text
    certainty: domain.Certainty

    def to_domain(self, name: str) -> domain.Coefficient:
        """Convert for use."""
        return domain.Coefficient(
            name,
            self.about,
            frozenset(self.not_for),
            tuple((value, when) for when, value in self.values.items()),
            self.source,
            self.certainty,
        )


class Row(Dated):
    """The values of one parameter."""

    parameter: CatalogueCode
    unit: str
    period: Period | None = None
    """Of the averages judged; absent = the file's."""
    category: str | tuple[str, ...] = ""
    """Kinds of source it is for; absent = all."""
    minimum: ByColumn | None = None
    maximum: ByColumn | None = None
    reference_oxygen: Annotated[float, Field(ge=0, lt=domain.OXYGEN_IN_AIR)] | None = None
    source: str = ""
    """Absent = the file's."""
    certainty: domain.Certainty | None = None
    """Absent = the file's."""

    @field_validator("unit")
    @classmethod
    def _canonical_unit(cls, unit: str) -> str:
        canonical = canonical_unit(unit)
        if canonical != unit:
            raise ValueError(
                f"the unit {unit!r} is unknown" if canonical is None else f"write the unit {canonical!r}"
            )
        return unit

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum or maximum")
        for column in self.columns:
            low, high = _in_column(self.minimum, column), _in_column(self.maximum, column)
            if low is not None and high is not None and low >= high:
                raise ValueError("minimum must lie below maximum")
        return self

    @property
    def columns(self) -> list[str]:
        """Columns that it names; one empty name where its numbers hold for all."""
        named = [bound for bound in (self.minimum, self.maximum) if isinstance(bound, dict)]
        return list(dict.fromkeys(column for bound in named for column in bound)) or [""]

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories that it names; one empty name where it holds for all."""
        return (self.category,) if isinstance(self.category, str) else self.category


class Standard(Dated, Replacing):
    """One national technical regulation."""

    name: Text
    """Such as ``QCVN 40:2011/BTNMT``."""
    title: Text
    title_vi: Text
    media: Annotated[tuple[StationType, ...], Field(min_length=1)]
    columns: Annotated[dict[str, Text], Field(default_factory=dict)]
    """What each is for."""
    categories: Annotated[dict[str, Text], Field(default_factory=dict)]
    """What each is."""
    coefficients: Annotated[dict[str, Coefficient], Field(default_factory=dict)]
    period: Period | None = None
    """Of the averages judged by rows that state none."""
    period_source: str = ""
    """Why this period, where the standard itself does not say."""
    source: Text
    certainty: domain.Certainty
    note: str = ""
    """What is not in the file."""
    rows: tuple[Row, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.transition and not self.replaces:
            raise ValueError("transition: it replaces nothing that could go on")
        for number, row in enumerate(self.rows, start=1):
            where = f"rows.{number} {row.parameter}"
            for kind, named, defined in (
                ("column", row.columns, self.columns),
                ("category", row.categories, self.categories),
            ):
                for name in named:
                    if name and name not in defined:
                        raise ValueError(f"{where}: unknown {kind} {name!r}")
            if (row.period or self.period) is None:
                raise ValueError(f"{where}: it needs a period, its own or the file's")
            parameter = look_up_parameter(row.parameter)
            if not any(parameter.can_be_in(row.unit, medium) for medium in self.media):
                raise ValueError(f"{where}: it cannot be in {row.unit!r}")
        for (first, before), (second, after) in combinations(enumerate(self.rows, start=1), 2):
            if self._clash(before, after):
                raise ValueError(f"rows.{second} {after.parameter}: it says again what rows.{first} says")
        return self

    def _clash(self, first: Row, second: Row) -> bool:
        def key(row: Row) -> tuple[str, Period | None]:
            return row.parameter, row.period or self.period

        def meet(mine: Sequence[str], theirs: Sequence[str]) -> bool:
            return "" in mine or "" in theirs or not set(mine).isdisjoint(theirs)

        return (
            key(first) == key(second)
            and meet(first.columns, second.columns)
            and meet(first.categories, second.categories)
            and overlap(_dates(first), _dates(second))
        )

    def to_domain(self) -> domain.Standard:
        """Convert for use: a row for each column and category."""
        return domain.Standard(
            self.name,
            self.title,
            self.title_vi,
            frozenset(self.media),
            tuple(limit for row in self.rows for limit in self._rows(row)),
            tuple(self.columns.items()),
            tuple(self.categories.items()),
            tuple(limit.to_domain(name) for name, limit in self.coefficients.items()),
            source=self.source,
            certainty=self.certainty,
            period_source=self.period_source,
            note=self.note,
            valid_from=_utc(self.valid_from),
            valid_to=_utc(self.valid_to),
        )

    def _rows(self, row: Row) -> Iterator[domain.Row]:
        for category in row.categories:
            for column in row.columns:
                yield domain.Row(
                    row.parameter,
                    row.period or self.period or Period.DAY,
                    row.unit,
                    column,
                    category,
                    _in_column(row.minimum, column),
                    _in_column(row.maximum, column),
                    row.reference_oxygen,
                    row.source or self.source,
                    row.certainty or self.certainty,
                    valid_from=_utc(row.valid_from),
                    valid_to=_utc(row.valid_to),
                )


class _Shares(Message):
    tendency: Annotated[float, Field(gt=0)]
    preparing: Annotated[float, Field(gt=0)]
    exceeded: Annotated[float, Field(gt=0)]
    source: Text


def load(path: Path) -> domain.LimitBook:
    """Read every standard of a folder and of those below.

    Raises UserError, one sentence, with file, place and key of what is wrong; OSError where there is no
    folder.
    """
    files = sorted(path.rglob("*.yaml"))
    if not files:
        raise UserError(f"{path}: no *.yaml file in this folder")
    standards = [_read(file, Standard) for file in files]
    replacing: dict[str, Replacing] = {standard.name: standard for standard in standards}
    return domain.LimitBook(end_replaced([standard.to_domain() for standard in standards], replacing))


def load_shares(path: Path) -> WarningShares:
    """Read shares of a limit; raises UserError as :func:`load` does."""
    shares = _read(path, _Shares)
    return WarningShares(shares.tendency, shares.preparing, shares.exceeded, shares.source)


def _read(file: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate(load_yaml_file(file))
    except ValidationError as error:
        raise UserError(f"{file.name}: {first_problem(error, model)}") from error


def _in_column(value: ByColumn | None, column: str) -> float | None:
    return value.get(column) if isinstance(value, dict) else value


def _dates(row: Dated) -> Valid:
    return Valid(valid_from=row.valid_from, valid_to=row.valid_to)


def _utc(time: datetime | None) -> datetime | None:
    return time and time.astimezone(UTC)
