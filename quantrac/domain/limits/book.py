"""What averages are judged by: limits of national standards and of permits. Pure.

A *limit* belongs to one parameter and one averaging period and holds from a time on. An average is judged
only when it is complete, so never on bad data. The daily mean that the law looks at and the levels that warn
a duty officer (:class:`quantrac.domain.registry.stations.WarningLevels`) are two different things.

A *standard* (QCVN) is dated rows. Some need a choice: a column, a category of source, coefficients that
multiply the rows; a station's *permit* makes it. A standard without any choice holds for every station of its
media that has no permit.
"""

import difflib
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantrac.domain.averaging import Period
from quantrac.domain.registry.permits import Permit
from quantrac.domain.registry.stations import Station, StationType
from quantrac.domain.registry.validity import Valid
from quantrac.errors import UserError

Certainty = Literal["high", "medium", "low", "unverified"]
"""How sure a figure is: read in the text itself or a careful transcription, in a secondary source, in a weak
one, or in none that could be read."""

OXYGEN_IN_AIR = 20.9
"""Volume percent, as the formula of QCVN 19:2024/BTNMT takes it."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it applies: coefficients are multiplied in."""

    parameter: str
    """Catalogue code."""
    period: Period
    """Of the averages that are judged."""
    unit: str
    standard: str
    """Such as ``QCVN 40:2011/BTNMT``, or the number of the permit that states the limit."""
    column: str = ""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent of oxygen that values are corrected to before they are judged."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Row(Valid):
    """One value of a standard's table, before any coefficient; its dates lie within the standard's."""

    parameter: str
    """Catalogue code."""
    period: Period
    unit: str
    column: str = ""
    """Empty where it holds in every column."""
    category: str = ""
    """Empty where it holds in every category."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A factor of a standard's values that depends on the facility: Kq and Kf, Kp and Kv."""

    name: str
    about: str
    not_for: frozenset[str] = frozenset()
    """Catalogue codes of the parameters it does not multiply."""
    values: tuple[tuple[float, str], ...] = ()
    """(value, when it is this one)."""
    source: str = ""
    certainty: Certainty = "unverified"


@dataclass(frozen=True, slots=True)
class Standard(Valid):
    """One national technical regulation. Its dates say when it holds for a station without a permit."""

    name: str
    """Such as ``QCVN 40:2011/BTNMT``."""
    title: str
    title_vi: str
    media: frozenset[StationType]
    rows: tuple[Row, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """(column, what it is for)."""
    categories: tuple[tuple[str, str], ...] = ()
    """(kind of source, what it is)."""
    coefficients: tuple[Coefficient, ...] = ()
    permits_to: datetime | None = None
    """Until when (UTC, exclusive) a permit may still hold a station to it; ``None`` = no end is known."""
    source: str = ""
    certainty: Certainty = "unverified"
    period_source: str = ""
    """Why these averages are judged, where the standard itself does not say."""
    note: str = ""
    """What is not in it."""

    @property
    def free_of_choice(self) -> bool:
        """Whether it can hold for a station without a permit."""
        return not (self.columns or self.categories or self.coefficients)

    def for_permits_at(self, at: datetime) -> bool:
        """Tell whether a permit can hold a station to it at a time (UTC)."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.permits_to is None or at < self.permits_to)

    def rows_of(self, column: str, category: str) -> Iterator[Row]:
        """Yield the rows of a column and a category, of all dates."""
        for row in self.rows:
            if row.column in {"", column} and row.category in {"", category}:
                yield row

    def scaling(self, row: Row) -> list[Coefficient]:
        """Return the coefficients that multiply a row."""
        return [factor for factor in self.coefficients if row.parameter not in factor.not_for]


@dataclass(frozen=True, slots=True)
class Applied:
    """A limit with how it came about."""

    limit: Limit
    row: Row | None = None
    """Of the standard; ``None`` where the permit itself states the limit."""
    factors: tuple[tuple[str, float], ...] = ()
    """(coefficient, value) that the row was multiplied by."""


class LimitBook:
    """All standards, and what a station is held to at a time.

    Limits follow from a station's type and permits alone, and are remembered by these: a station record that
    is replaced by one with other permits is another question. For the same answer the same tuple is returned.
    """

    def __init__(self, standards: Iterable[Standard]) -> None:
        """Raises UserError where two standards have one name."""
        self.standards: dict[str, Standard] = {}
        """By name, as given."""
        for standard in standards:
            if standard.name in self.standards:
                raise UserError(f"{standard.name} is defined twice")
            self.standards[standard.name] = standard
        self._courses: dict[tuple[StationType, tuple[Permit, ...]], _Course] = {}

    def limits_of(self, station: Station, at: datetime) -> tuple[Limit, ...]:
        """Return the limits that hold for averages of a station that start at ``at`` (UTC).

        The permit valid then chooses; a limit that it states itself wins over the standard's for its
        parameter and period. Without a permit the standards of the medium hold that need no choice. A permit
        that cannot be used (:meth:`problems`) gives only what is certain of it: rows that lack a coefficient
        are left out. Never raises.
        """
        return self._course(station).at(at)[0]

    def applied_to(self, station: Station, at: datetime) -> tuple[Applied, ...]:
        """Return the limits of :meth:`limits_of`, in the same order, with how each came about."""
        return self._course(station).at(at)[1]

    def problems(self, permit: Permit, medium: StationType) -> list[str]:
        """Say in sentences why a permit cannot be used as it stands; none = it can."""
        standard = self.standards.get(permit.standard)
        if standard is None:
            return [f"unknown standard {permit.standard!r}{_nearest(permit.standard, self.standards)}"]
        if medium not in standard.media:
            return [f"{standard.name} is for {_list(sorted(standard.media))}, not for {medium}"]
        return list(_wrong_choices(standard, permit)) or list(_unmet(standard, permit))

    def problems_of(self, station: Station) -> list[str]:
        """Say in sentences what is wrong with a station's permits, each with its place; none = nothing."""
        problems = []
        for number, permit in enumerate(station.permits, start=1):
            problems += [f"permits.{number}: {problem}" for problem in self.problems(permit, station.type)]
            for position, limit in enumerate(permit.limits, start=1):
                units = [entry.unit for entry in station.parameters if entry.code == limit.parameter]
                if units and limit.unit not in units:
                    problems.append(
                        f"permits.{number}.limits.{position}: {limit.parameter} is measured in {units[0]!r}, "
                        f"so a limit in {limit.unit!r} would never be judged"
                    )
        for (number, permit), (later, following) in combinations(enumerate(station.permits, start=1), 2):
            if overlap(permit, following):
                problems.append(f"permits.{later}: it is valid at the same time as permits.{number}")
        return problems

    def _course(self, station: Station) -> "_Course":
        key = station.type, station.permits
        course = self._courses.get(key)
        if course is None:
            course = self._courses[key] = _Course(self.standards.values(), *key)
        return course


class _Course:
    """The limits of a station type with certain permits, through all times."""

    def __init__(
        self, standards: Iterable[Standard], medium: StationType, permits: tuple[Permit, ...]
    ) -> None:
        ours = [standard for standard in standards if medium in standard.media]
        dated: list[Valid] = [*permits, *ours, *(row for standard in ours for row in standard.rows)]
        times = {at for entry in dated for at in (entry.valid_from, entry.valid_to)}
        times |= {standard.permits_to for standard in ours}
        self._starts = sorted({_BEFORE_ALL, *(at for at in times if at is not None)})
        self._spans: list[tuple[tuple[Limit, ...], tuple[Applied, ...]]] = []
        for start in self._starts:
            permit = permit_at(permits, start)
            applied = tuple(_apply_permit(ours, permit, start) if permit else _apply_standards(ours, start))
            if self._spans and self._spans[-1][1] == applied:
                self._spans.append(self._spans[-1])
            else:
                self._spans.append((tuple(entry.limit for entry in applied), applied))

    def at(self, at: datetime) -> tuple[tuple[Limit, ...], tuple[Applied, ...]]:
        return self._spans[bisect_right(self._starts, at) - 1]


def _apply_standards(standards: Sequence[Standard], at: datetime) -> Iterator[Applied]:
    for standard in standards:
        if standard.free_of_choice and standard.valid_at(at):
            for row in standard.rows:
                if row.valid_at(at):
                    yield Applied(_limit(standard, row, 1.0), row)


def _apply_permit(standards: Sequence[Standard], permit: Permit, at: datetime) -> Iterator[Applied]:
    standard = next((entry for entry in standards if entry.name == permit.standard), None)
    if standard is not None and standard.for_permits_at(at):
        coefficients = {name: value for name, value in permit.coefficients if 0 < value < math.inf}
        for row in _rows(standard, permit):
            names = [factor.name for factor in standard.scaling(row)]
            if row.valid_at(at) and coefficients.keys() >= set(names):
                factors = tuple((name, coefficients[name]) for name in names)
                product = math.prod(value for _, value in factors)
                yield Applied(_limit(standard, row, product), row, factors)
    for own in {(limit.parameter, limit.period): limit for limit in permit.limits}.values():
        yield Applied(
            Limit(
                own.parameter,
                Period(own.period),
                own.unit,
                permit.number or permit.standard,
                "" if permit.number else permit.column,
                own.minimum,
                own.maximum,
                own.reference_oxygen,
                source=f"permit {permit.number}".strip(),
                certainty="high",
            )
        )


def _rows(standard: Standard, permit: Permit) -> Iterator[Row]:
    """Yield a standard's rows that a permit chooses and has no value of its own for, of all dates."""
    own = {(limit.parameter, limit.period) for limit in permit.limits}
    for row in standard.rows_of(permit.column, permit.category):
        if (row.parameter, row.period) not in own:
            yield row


def _limit(standard: Standard, row: Row, factor: float) -> Limit:
    def scale(value: float | None) -> float | None:
        return None if value is None else round_digits(value * factor)

    return Limit(
        row.parameter,
        row.period,
        row.unit,
        standard.name,
        row.column,
        scale(row.minimum),
        scale(row.maximum),
        row.reference_oxygen,
        row.source,
        row.certainty,
    )


def correct_oxygen(values: ArrayLike, oxygen: ArrayLike, reference: float) -> NDArray[np.float64]:
    """Return concentrations as they would be at ``reference`` volume percent of oxygen.

    ``C x (20.9 - reference) / (20.9 - oxygen)`` (QCVN 19:2024/BTNMT; read in a secondary source). ``values``
    and ``oxygen`` (volume percent) are of one shape. NaN where either is missing (NaN), and where the gas is
    air (oxygen from 20.9 on): then nothing was burnt.

    >>> correct_oxygen([112.0, 112.0], [18.7, 20.9], 7.0).round(1).tolist()
    [707.6, nan]
    """
    measured = np.asarray(oxygen, np.float64)
    left = np.where(measured < OXYGEN_IN_AIR, OXYGEN_IN_AIR - measured, np.nan)
    corrected: NDArray[np.float64] = np.asarray(values, np.float64) * (OXYGEN_IN_AIR - reference) / left
    return corrected


def round_digits(value: float) -> float:
    """Round to 12 digits, so that 75 x 0.9 x 1.1 is 74.25 and not 74.25000000000001."""
    return float(f"{value:.12g}")


def permit_at(permits: Iterable[Permit], at: datetime) -> Permit | None:
    """Return the permit that counts at a time (UTC): the first that is valid then."""
    return next((permit for permit in permits if permit.valid_at(at)), None)


def overlap(first: Valid, second: Valid) -> bool:
    """Tell whether both are valid at some time."""
    starts = [entry.valid_from or _BEFORE_ALL for entry in (first, second)]
    return all(entry.valid_to is None or max(starts) < entry.valid_to for entry in (first, second))


def _wrong_choices(standard: Standard, permit: Permit) -> Iterator[str]:
    """Say what a permit chooses that the standard does not have, or fails to choose."""
    for kind, choice, choices, is_required in (
        ("column", permit.column, standard.columns, any(row.column for row in standard.rows)),
        ("category", permit.category, standard.categories, any(row.category for row in standard.rows)),
    ):
        names = [name for name, _ in choices]
        if choice and choice not in names:
            yield f"{standard.name} has no {kind} {choice!r}; it has {_list(names) if names else 'none'}"
        elif is_required and not choice:
            yield f"{standard.name} needs a {kind}: {_list(names)}"
    coefficients = [factor.name for factor in standard.coefficients]
    for name, value in permit.coefficients:
        if name not in coefficients:
            yield f"{standard.name} has no coefficient {name!r}{_nearest(name, coefficients)}"
        elif not 0 < value < math.inf:
            yield f"{name} must be a number above 0"


def _unmet(standard: Standard, permit: Permit) -> Iterator[str]:
    """Say what else keeps a permit, whose choices exist, from giving all its limits."""
    limits = [(limit.parameter, limit.period) for limit in permit.limits]
    for parameter, period in sorted({limit for limit in limits if limits.count(limit) > 1}):
        yield f"it states a limit of {parameter} ({period}) twice"
    rows = list(_rows(standard, permit))
    required = {factor.name for row in rows for factor in standard.scaling(row)}
    lacking = required - dict(permit.coefficients).keys()
    if lacking:
        yield f"{standard.name} needs the coefficient {_list(sorted(lacking), 'and')}"
    if not rows and not permit.limits:
        yield f"no value of {standard.name} is known for this permit: state the permit's own limits"
    if not overlap(permit, Valid(valid_from=standard.valid_from, valid_to=standard.permits_to)):
        yield f"{standard.name} does not hold at any time of this permit"


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _list(names: Iterable[str], last: str = "or") -> str:
    *before, final = names
    return f"{', '.join(before)} {last} {final}" if before else final
