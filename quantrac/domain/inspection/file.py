"""A file read as the receiver reads it, and the columns of its lines as they were written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.assignment import assignment_reject, match_stations
from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.parsing.formats import Columns, find_format, split_line
from quantrac.domain.parsing.text import read_lines
from quantrac.domain.registry.stations import Station


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """One file, what was read of it, and by what."""

    name: str
    """Without its folder."""
    received_at: datetime
    """UTC: when it is taken to have been received."""
    parsed: ParsedFile
    station: Station | None
    """Whose names, units and clock it was read by; ``None`` where only the catalogue's were."""
    written: Mapping[int, Columns]
    """Line number → name, value, unit, time and status as they stood, of lines that have these columns."""
    title: str
    """The first line that is not blank, where it has no such columns; else empty."""


def inspect_file(
    content: bytes,
    name: str,
    received_at: datetime,
    stations: Sequence[Station] | None = None,
    folder: str = "",
) -> InspectedFile:
    """Read a file by the station that its name or ``folder`` says; without ``stations``, by the catalogue.

    As in the receiver, a file of no station or of several gives no reading and one reject of the whole file.
    ``received_at`` is UTC. Raises as :func:`quantrac.domain.parsing.parse_file` does.
    """
    station = None
    if stations is None:
        parsed = parse_file(content, name, None, received_at)
    else:
        valid = [station for station in stations if station.valid_at(received_at)]
        candidates = match_stations(name, valid, folder)
        if len(candidates) == 1:
            station = candidates[0]
            parsed = parse_file(content, name, station, received_at)
        else:
            parsed = ParsedFile(name, rejects=[assignment_reject(name, candidates, "in the registry")])
    written, title = _read_columns(content, station)
    return InspectedFile(name, received_at, parsed, station, written, title)


def _read_columns(content: bytes, station: Station | None) -> tuple[dict[int, Columns], str]:
    """Return the columns of each line that has a format, and the line before them that has none."""
    lines = read_lines(content, station.encoding if station else "utf-8")
    by_line: dict[int, Columns] = {}
    title = ""
    for number, line in enumerate([*lines.complete, lines.rest], 1):
        columns = split_line(line)
        line_format = find_format(columns)
        if line_format is not None:
            by_line[number] = line_format.arrange(columns)
        elif not by_line and not title:
            title = line.strip()
    return by_line, title
