"""The mapping file: what a person says of the columns of a table, in YAML."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from quantrac.domain.spellings import fold
from quantrac.domain.tables.columns import ColumnMapping, compass_words
from quantrac.domain.tables.layout import Meaning
from quantrac.domain.units import check_unit
from quantrac.errors import UserError
from schemas.messages.base import Message
from schemas.validation_errors import first_problem
from schemas.yaml_files import load_yaml

_Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
"""A text; a number that YAML made of it is one too, but ``NO`` and its like are not: they need quotes."""


class _Column(Message):
    parameter: str = Field(min_length=1)
    unit: str = ""
    words: Literal["compass"] | dict[str, float] = Field(default_factory=dict)

    @field_validator("unit")
    @classmethod
    def check_unit(cls, unit: str) -> str:
        """Refuse a unit that is none."""
        if unit:
            check_unit(unit)
        return unit


class _StationColumn(Message):
    column: str = ""
    codes: dict[_Text, str] = Field(default_factory=dict)


class _Mapping(Message):
    station: str | _StationColumn = ""
    time: str | list[str] = Field(default_factory=list)
    zone: str | None = None
    columns: dict[_Text, str | _Column] = Field(default_factory=dict)
    ignore: list[_Text] = Field(default_factory=list)
    missing: list[_Text] = Field(default_factory=list)
    decimal_sign: Literal[".", ","] | None = None

    @field_validator("zone")
    @classmethod
    def check_zone(cls, zone: str | None) -> str | None:
        """Refuse a zone that is none."""
        try:
            return zone and ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{zone!r} is no time zone; write it as Asia/Ho_Chi_Minh") from None


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What is said of a table."""

    columns: ColumnMapping
    station: str
    """Code of the station of all rows; empty where none is named."""
    codes: Mapping[str, str]
    """What the column of stations holds, folded → code."""


def read_mapping(path: Path | None) -> TableMapping:
    """Read a mapping file; raises UserError with the place of the first mistake.

    Without one, nothing is said of the columns.
    """
    if path is None:
        return TableMapping(ColumnMapping(), "", {})
    try:
        entry = _Mapping.model_validate(load_yaml(path.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error, _Mapping)}") from error
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    station = entry.station
    is_column = isinstance(station, _StationColumn)
    return TableMapping(
        ColumnMapping(
            time=(entry.time,) if isinstance(entry.time, str) else tuple(entry.time),
            zone=entry.zone,
            station=station.column if is_column else "",  # type: ignore[union-attr]
            columns={heading: _meaning(column) for heading, column in entry.columns.items()},
            ignore=frozenset(entry.ignore),
            missing=tuple(entry.missing),
            decimal_sign=entry.decimal_sign,
        ),
        "" if is_column else str(station),
        {fold(text): code for text, code in station.codes.items()} if is_column else {},  # type: ignore[union-attr]
    )


def _meaning(column: str | _Column) -> Meaning:
    if isinstance(column, str):
        return Meaning(column)
    words = (
        compass_words()
        if column.words == "compass"
        else tuple((word.strip().upper(), value) for word, value in column.words.items())
    )
    return Meaning(column.parameter, column.unit, words)
