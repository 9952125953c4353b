"""What a batch replaces: the versions of its rows, and the columns of ``reading_revisions``. Pure.

Here readings are rows: only sets of stations that a batch may replace something of come this way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, pairwise
from typing import Any

from quantrac.domain.ids import MOST_REVISIONS, received_of
from quantrac.domain.readings import FlaggedSet
from services.aggregator.sink.tables.readings import READING, Row, reading_rows
from services.aggregator.sink.tables.topic_tables import Columns

CORRECTION = "correction"
"""Another file gave the reading."""

REREAD = "reread"
"""The same file was read again, with another result."""


def versions_over(sets: Mapping[int, FlaggedSet], stored: Iterable[Row]) -> dict[int, list[int]]:
    """Return the versions of the rows of sets, by index of the set; ``stored`` are rows of the table.

    A file that is read again, and with another result, has to win over all that was made of it before: its
    rows get the next version.
    """
    stored_by_key = {row[:3]: row for row in stored}
    rows = {index: reading_rows(s) for index, s in sets.items() if s.readings}
    # Of a reading that several rows are of, the last one counts.
    last = {row[:3]: (index, number) for index, part in rows.items() for number, row in enumerate(part)}
    return {
        index: [
            _version_over(row, stored_by_key[row[:3]])
            if row[:3] in stored_by_key and not sets[index].revision and last[row[:3]] == (index, number)
            else row[-1]
            for number, row in enumerate(part)
        ]
        for index, part in rows.items()
    }


def _version_over(row: Row, stored: Row) -> int:
    """Return the version of a row that was judged for the first time, over the one that is stored."""
    version: int = row[-1]
    stored_version: int = stored[-1]
    if received_of(stored_version) != received_of(version) or _content(row) == _content(stored):
        return version
    return min(stored_version + 1, version | MOST_REVISIONS)


def revision_columns(
    sets: Mapping[int, FlaggedSet], versions: Mapping[int, list[int]], stored: Iterable[Row]
) -> Columns:
    """Return the columns of ``reading_revisions``: every row that ``sets`` put another one of its key over.

    ``versions`` are those of the rows by index of the set; ``stored`` are rows of ``readings``, those of the
    keys of ``sets`` among them. A row may be superseded by one of the same batch, and a row that comes too
    late to count at all is copied as well.
    """
    # Key of a reading -> version -> row and cause; of a stored row, None: the table does not say why it came.
    rows: dict[tuple[Any, ...], dict[int, tuple[Row, str | None]]] = defaultdict(dict)
    new = [
        ((*row[:-1], version), s.cause)
        for index, s in sets.items()
        for row, version in zip(reading_rows(s), versions.get(index, ()), strict=True)
    ]
    keys = {row[:3] for row, _ in new}
    for row, cause in chain(((row, None) for row in stored), new):
        if row[:3] in keys:
            rows[row[:3]][row[-1]] = row, cause
    superseded = [
        (*by_version[version][0], following, _cause(version, following, by_version[following][1]))
        for by_version in rows.values()
        for version, following in pairwise(sorted(by_version))
    ]
    names = (*READING, "superseded_by", "cause")
    return {name: list(column) for name, column in zip(names, zip(*superseded, strict=True), strict=False)}


def _cause(version: int, following: int, judged_again: str | None) -> str:
    """Return why the row of a version no longer counts; empty where only the message before could tell."""
    if judged_again:
        return judged_again
    if received_of(version) != received_of(following):
        return CORRECTION
    return "" if judged_again is None else REREAD


def _content(row: Row) -> tuple[Any, ...]:
    """Return what the file says of a reading: value, text, unit, status, qualifier, line."""
    return (*row[3:8], row[READING.index("line")])
