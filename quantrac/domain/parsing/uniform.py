"""Files as nearly all are: five columns in every line, one time, no fault. They are read by columns.

Whatever is otherwise is left to the reader of single lines (:mod:`quantrac.domain.parsing.parser`), which
gives the same readings of such a file in five times the time.
"""

from math import isfinite

from quantrac.domain.parsing.fields import Times
from quantrac.domain.parsing.formats import FORMATS, MAX_COLUMNS
from quantrac.domain.parsing.reasons import ParseError
from quantrac.domain.parsing.text import Lines
from quantrac.domain.readings import Readings
from quantrac.domain.statuses import read_status

UNIFORM_FORMAT = FORMATS[0].name
"""The only format with a time in the fourth of five columns."""


def read_uniform(lines: Lines, times: Times) -> Readings | None:
    """Return the readings of a uniform file, ``None`` where it is none."""
    if lines.errors or lines.rest.strip():
        return None
    rows = [line.split("\t", MAX_COLUMNS) for line in lines.complete]
    try:
        names, texts, units, stamps, statuses = zip(*rows, strict=True)
        if stamps.count(stamps[0]) < len(rows):
            return None
        measured_at, targets = times[stamps[0]]
        layout = targets.layout(names, units)
        values = list(map(float, texts))
    except (ValueError, ParseError):
        return None
    if layout is None or not _are_numbers(texts, values):
        return None
    for row, conversion in layout.conversions:
        values[row] = conversion.apply(values[row])
        if not isfinite(values[row]):
            return None
    return Readings(
        line=list(range(1, len(rows) + 1)),
        parameter=layout.codes,
        value=values,
        text=list(texts),
        unit=layout.units,
        measured_at=[measured_at] * len(rows),
        status=_read_statuses(statuses),
    )


def _are_numbers(texts: tuple[str, ...], values: list[float]) -> bool:
    """Tell whether ``Numbers.read`` would take what ``float`` took; without commas no point is ambiguous."""
    characters = "".join(texts)
    # An overflow of the sum only sends the file the longer way.
    return characters.isascii() and "_" not in characters and isfinite(sum(values))


def _read_statuses(statuses: tuple[str, ...]) -> list[str]:
    if statuses.count(statuses[0]) == len(statuses):
        return [read_status(statuses[0])] * len(statuses)
    return list(map(read_status, statuses))
