"""The mapping file: what a person says of the columns of a table, in YAML."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from quantrac.domain.spellings import fold
from quantrac.domain.tables.columns import ColumnMapping, compass_words
from quantrac.domain.tables.layout import Meaning
from quantrac.domain.units import check_unit
from quantrac.errors import UserError
from schemas.messages.base import Message
from schemas.validation_errors import first_problem
from schemas.yaml_files import load_yaml_file


def _text(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError('YAML takes NO, YES, ON and OFF for truth values; write the name in quotes, as "NO"')
    return str(value) if isinstance(value, int | float) else value


_Text = Annotated[str, BeforeValidator(_text)]
"""A text; a number that YAML made of it is one too."""


def _short_for(key: str) -> BeforeValidator:
    """Let one text stand for a mapping that has only ``key``."""
    return BeforeValidator(lambda value: value if isinstance(value, dict) else {key: value})


class _Column(Message):
    parameter: Annotated[_Text, Field(min_length=1)]
    unit: str = ""
    words: Literal["compass"] | dict[str, float] = Field(default_factory=dict)

    @field_validator("unit")
    @classmethod
    def check_unit(cls, unit: str) -> str:
        """Refuse a unit that is none."""
        if unit:
            check_unit(unit)
        return unit


class _Station(Message):
    code: str = ""
    """Of all rows."""
    column: str = ""
    """Heading of the column that names the station of a row."""
    codes: dict[_Text, str] = Field(default_factory=dict)


class _Mapping(Message):
    station: Annotated[_Station, _short_for("code")] = _Station()
    time: str | list[str] = Field(default_factory=list)
    zone: str | None = None
    columns: dict[_Text, Annotated[_Column, _short_for("parameter")]] = Field(default_factory=dict)
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
        entry = _Mapping.model_validate(load_yaml_file(path, str(path)) or {})
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error, _Mapping)}") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    station = entry.station
    return TableMapping(
        ColumnMapping(
            time=(entry.time,) if isinstance(entry.time, str) else tuple(entry.time),
            zone=entry.zone,
            station=station.column,
            columns={heading: _meaning(column) for heading, column in entry.columns.items()},
            ignore=frozenset(entry.ignore),
            missing=tuple(entry.missing),
            decimal_sign=entry.decimal_sign,
        ),
        station.code,
        {fold(text): code for text, code in station.codes.items()},
    )


def _meaning(column: _Column) -> Meaning:
    words = (
        compass_words()
        if column.words == "compass"
        else tuple((word.strip().upper(), value) for word, value in column.words.items())
    )
    return Meaning(column.parameter, column.unit, words)
