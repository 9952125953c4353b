"""The line of a file that a reading came from, and the unit it is written in."""

from datetime import datetime

from quantrac.domain.parsing.formats import find_format, split_line
from quantrac.domain.parsing.text import read_lines
from quantrac.domain.registry.stations import Station
from quantrac.domain.tables.part import find_row, is_part
from quantrac.domain.units import canonical_unit
from services.api.lineage.answer import UnitCorrection


def find_line(content: bytes, number: int, encoding: str = "utf-8") -> str | None:
    """Return a line of a file, counted from 1 as the parser counts, or ``None`` where it has no such line.

    Of part of a table, lines are those of the table.

    >>> find_line(b"PM2.5\\t27.8\\r\\nPM10\\t41.5\\r\\n", 2)
    'PM10\\t41.5'
    """
    if is_part(content):
        return find_row(content, number)
    lines = read_lines(content, encoding)
    text = [*lines.complete, lines.rest]
    return text[number - 1] if 1 <= number <= len(text) else None


def find_unit_correction(
    station: Station, parameter: str, measured_at: datetime, line: str | None
) -> UnitCorrection | None:
    """Return the registry's rule for the unit that the line writes, where one was in force."""
    entry = station.parameter(parameter, measured_at)
    columns = split_line(line or "")
    format_ = find_format(columns)
    if entry is None or format_ is None:
        return None
    written_unit = format_.arrange(columns)[2]
    for wrong_unit, true_unit in entry.unit_override:
        if canonical_unit(wrong_unit) == canonical_unit(written_unit):
            period = {"valid_from": entry.valid_from, "valid_to": entry.valid_to}
            return UnitCorrection(written=written_unit, really=true_unit, **period)
    return None
