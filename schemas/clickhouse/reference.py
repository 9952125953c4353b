"""What the code knows and analysts look up: the rows of ``parameters``, ``limits`` and ``provinces``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.provinces import PROVINCES
from quantrac.domain.spellings import plain_letters
from schemas.limits import load_national

Row = Mapping[str, Any]

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in a key for a validity without a beginning: the first second that a DateTime can state."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One table: all its rows, column name -> value, and the columns that tell them apart."""

    table: str
    key: tuple[str, ...]
    rows: Sequence[Row]


def reference_tables() -> list[Reference]:
    """Return the tables that ``quantrac migrate`` fills."""
    return [
        Reference("parameters", ("code",), _parameters()),
        Reference(
            "limits",
            ("standard", "parameter", "period", "column", "category", "valid_from"),
            _limits(),
        ),
        Reference("provinces", ("code", "valid_from"), _provinces()),
    ]


def _parameters() -> list[Row]:
    return [
        {
            "code": parameter.code,
            "name": parameter.name,
            "name_vi": parameter.name_vi,
            "aliases": list(parameter.aliases),
            "combined": parameter.combined.value,
            "units": {medium.value: unit for medium, unit in parameter.units.items()},
            "molar_mass": parameter.molar_mass,
            "unverified": parameter.unverified,
        }
        for parameter in CATALOGUE
    ]


def _limits() -> list[Row]:
    return [
        {
            "standard": standard.name,
            "title": standard.title,
            "title_vi": standard.title_vi,
            "media": sorted(medium.value for medium in standard.media),
            "parameter": row.parameter,
            "period": row.period.value,
            "column": row.column,
            "category": row.category,
            "minimum": row.minimum,
            "maximum": row.maximum,
            "unit": row.unit,
            "reference_oxygen": row.reference_oxygen,
            "coefficients": [coefficient.name for coefficient in standard.scaling(row)],
            "source": row.source,
            "certainty": row.certainty,
            "valid_from": row.valid_from or standard.valid_from or ALWAYS,
            "valid_to": row.valid_to or standard.valid_to,
            "transition_until": standard.transition and standard.transition.until,
        }
        for standard in load_national().standards.values()
        for row in standard.rows
    ]


def _provinces() -> list[Row]:
    return [
        {
            "code": province.code,
            "name": province.name,
            "name_en": plain_letters(province.name),
            "letters": province.letters,
            "successor": province.successor,
            "valid_from": province.valid_from or ALWAYS,
            "valid_to": province.valid_to,
        }
        for province in PROVINCES
    ]
