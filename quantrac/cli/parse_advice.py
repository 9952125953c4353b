"""What ``quantrac parse`` says in words: why lines were rejected, and how a folder is laid out."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from quantrac.domain.layouts import Layout, layout_of
from quantrac.domain.parsing import ADVICE, ParsedFile, Reason
from quantrac.domain.readings import Reject
from quantrac.domain.registry.stations import Station

_LISTED_LINES = 10
_LOOKED_AT_FOLDERS = 10_000


def explanation(parsed: ParsedFile, station: Station | None) -> Iterator[str]:
    """Say what the file is to the receiver, and for each reason which lines it meets and what to change."""
    yield f"  Station: {_station(parsed, station)}"
    if parsed.readings:
        yield f"  Columns: {parsed.format}. {len(parsed.readings)} line(s) are good, whatever the rest is."
    by_reason: dict[str, list[Reject]] = defaultdict(list)
    for reject in parsed.rejects:
        by_reason[reject.reason].append(reject)
    if not by_reason:
        yield "  Nothing has to be changed."
    for reason, rejects in by_reason.items():
        yield f"  {_lines(rejects)}: {rejects[0].detail}".translate(_UNPRINTABLE)
        yield f"    What to change: {ADVICE[Reason(reason)]}"


def layout_report(folder: Path) -> tuple[list[str], bool]:
    """Say which layouts the folder, or the folders of files below it, have; and whether all are known."""
    counts: Counter[Layout | None] = Counter()
    examples: dict[Layout | None, str] = {}
    for path in _folders_with_files(folder):
        pattern = layout_of(os.path.relpath(path, folder.parent)) or layout_of(path)
        layout = pattern.layout if pattern else None
        counts[layout] += 1
        examples.setdefault(layout, path)
    lines = []
    for layout, count in counts.most_common():
        line = f"{folder}: {_name(layout)}, {count} folder(s), such as {examples[layout]}"
        lines.append(line.translate(_UNPRINTABLE))
    if None in counts:
        lines.append("  What to change: lay the days out as 2019/05/30 below the station's (layout 0).")
    return lines, None not in counts


def _name(layout: Layout | None) -> str:
    if layout is None:
        return "none of the ten"
    return f"layout {layout.number} ({layout.sample or 'no folders by day'})"


def _folders_with_files(folder: Path) -> list[str]:
    """Return the folders below that hold files, as their paths; the folder's own where it is not there."""
    walk = ((top, files) for top, _, files in os.walk(folder) if files)
    folders = [top for top, _ in islice(walk, _LOOKED_AT_FOLDERS)]
    return folders or [str(folder)]


def _station(parsed: ParsedFile, station: Station | None) -> str:
    if station is not None:
        return f"{station.code}, {station.name}"
    if parsed.station_code:
        return f"the name states {parsed.station_code}; --registry tells whether it is known"
    return "the name states none; the account's only station, a folder or a registered pattern has to tell"


def _lines(rejects: list[Reject]) -> str:
    numbers = [str(reject.line) for reject in rejects if reject.line]
    if not numbers:
        return "The file"
    more = f" and {len(numbers) - _LISTED_LINES} more" if len(numbers) > _LISTED_LINES else ""
    return f"Line {', '.join(numbers[:_LISTED_LINES])}{more}"


# A hostile file's control sequences stay out of the terminal.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), "\N{MIDDLE DOT}")
