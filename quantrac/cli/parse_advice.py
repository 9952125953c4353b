"""What ``quantrac parse`` says in words: why lines were rejected, and how a folder is laid out."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from quantrac.domain.inspection.doubt import Doubt, advise_on_doubt
from quantrac.domain.inspection.file import InspectedFile
from quantrac.domain.layouts import Layout, layout_of
from quantrac.domain.rejects import advise_on

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)

_FORMS = (("{", "JSON"), ("[{", "JSON"), ("<", "XML or HTML"))
"""How files of other kinds begin."""
_LISTED_LINES = 10
_LISTED_SENTENCES = 10
"""Different sentences about one reason: a file may have another wrong text in each line."""
_LOOKED_AT_FOLDERS = 10_000


def explanation(file: InspectedFile, doubts: Sequence[Doubt], *, has_registry: bool) -> Iterator[str]:
    """Say what the file is to the receiver, and for each reject and doubt why, where, and what to change.

    ``has_registry`` tells whether the file's station was looked up.
    """
    parsed = file.parsed
    yield f"  Station: {_station(file, has_registry)}"
    if parsed.readings:
        yield f"  Columns: {parsed.format}. {len(parsed.readings)} line(s) were read."
    if form := next((form for sign, form in _FORMS if file.title.startswith(sign)), ""):
        yield f"  It looks like {form}. A station file has a line a value, its columns divided by TABs."
    if not parsed.rejects and not doubts:
        yield "  Nothing has to be changed."
    for reason, rejects in _group(parsed.rejects, lambda reject: reject.reason):
        yield from _describe([(reject.line, reject.detail) for reject in rejects])
        yield f"    What to change: {advise_on(reason)}"
    yield from describe_doubts(doubts)


def describe_doubts(doubts: Sequence[Doubt]) -> Iterator[str]:
    """Say of lines that were read what speaks against them, and what to change."""
    for (code, flag), group in _group(doubts, lambda doubt: (doubt.code, doubt.flag)):
        verdict = f"would be flagged {flag.name.lower()} ({code})" if flag else f"doubtful ({code})"
        yield from _describe([(doubt.line, f"{verdict}: {doubt.detail}") for doubt in group])
        yield f"    What to change: {advise_on_doubt(code)}"


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


def _station(file: InspectedFile, has_registry: bool) -> str:
    if file.station is not None:
        return f"{file.station.code}, {file.station.name}"
    stated = file.parsed.station_code
    if has_registry:
        return f"none of the registry{f'; the name states {stated}' if stated else ''}"
    if stated:
        return f"the name states {stated}; --registry tells whether it is known"
    return "the name states none; the account's only station, a folder or a registered pattern has to tell"


def _group(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> Iterable[tuple[_Key, list[_Item]]]:
    """Return items by key, each key where its first item stood."""
    groups: dict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups.items()


def _describe(details: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Say each sentence once, with the lines that it is said of; the first sentences where there are many."""
    groups = list(_group(details, lambda detail: detail[1]))
    for sentence, lines in groups[:_LISTED_SENTENCES]:
        yield f"  {_lines([line for line, _ in lines])}: {sentence}".translate(_UNPRINTABLE)
    if len(groups) > _LISTED_SENTENCES:
        more = sum(len(lines) for _, lines in groups[_LISTED_SENTENCES:])
        yield f"  The same of {more} more line(s)."


def _lines(lines: Sequence[int]) -> str:
    numbers = [str(line) for line in lines if line]
    if not numbers:
        return "The file"
    more = f" and {len(numbers) - _LISTED_LINES} more" if len(numbers) > _LISTED_LINES else ""
    return f"Line {', '.join(numbers[:_LISTED_LINES])}{more}"


# A hostile file's control sequences stay out of the terminal.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), "\N{MIDDLE DOT}")
