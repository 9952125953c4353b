"""Columns of ``readings`` and ``reading_revisions``, from flagged sets. Pure: the same sets give the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from typing import Any

import msgspec

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import MOST_REVISIONS, reading_version, received_of
from quantrac.domain.readings import FlaggedReadings, FlaggedSet
from services.aggregator.sink.tables.topic_tables import Columns

READING = (
    *("station", "parameter", "measured_at", "value", "text", "unit"),
    *("status", "flag", "tests", "rules", "line", "version"),
)
"""The columns of ``readings``; the first three are its key."""

Row = tuple[Any, ...]
"""Values of the columns :data:`READING`."""


def reading_columns(sets: Sequence[FlaggedSet], versions: Mapping[int, list[int]] | None = None) -> Columns:
    """Return the columns of ``readings``, one row a reading; sets without a station hold none.

    ``versions`` are those of the rows of some sets, by index of the set; all others have the version of their
    set.
    """
    filled = {index: s for index, s in enumerate(sets) if s.station and s.readings}
    if not filled:
        return {}
    versions = versions or {}
    readings = [s.readings for s in filled.values()]
    return {
        "station": _repeat((s.station, s) for s in filled.values()),
        "parameter": _join(r.parameter for r in readings),
        "measured_at": _join(r.measured_at for r in readings),
        "value": _join(r.value for r in readings),
        "text": _join(map(_texts, readings)),
        "unit": _join(r.unit for r in readings),
        "status": _join(r.status for r in readings),
        "flag": _join(r.flag for r in readings),
        "tests": _join(map(_tests, readings)),
        "rules": _repeat((s.rules, s) for s in filled.values()),
        "line": _join(r.line for r in readings),
        "version": _join(
            versions.get(index) or [_version(s)] * len(s.readings) for index, s in filled.items()
        ),
    }


def reading_rows(s: FlaggedSet) -> list[Row]:
    """Return the rows of ``readings`` that a set of a station gives."""
    return list(zip(*reading_columns([s]).values(), strict=True))


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
    # Key of a reading -> version -> row and cause.
    rows: dict[tuple[Any, ...], dict[int, tuple[Row, str]]] = defaultdict(dict)
    new = [
        ((*row[:-1], version), s.cause)
        for index, s in sets.items()
        for row, version in zip(reading_rows(s), versions.get(index, ()), strict=True)
    ]
    keys = {row[:3] for row, _ in new}
    for row, cause in chain(((row, "") for row in stored), new):
        if row[:3] in keys:
            rows[row[:3]][row[-1]] = row, cause
    superseded = [
        (*by_version[version][0], following, by_version[following][1])
        for by_version in rows.values()
        for version, following in pairwise(sorted(by_version))
    ]
    names = (*READING, "superseded_by", "cause")
    return {name: list(column) for name, column in zip(names, zip(*superseded, strict=True), strict=False)}


def _content(row: Row) -> tuple[Any, ...]:
    """Return what the file says of a reading: value, text, unit, status, line."""
    return (*row[3:7], row[READING.index("line")])


def _version(s: FlaggedSet) -> int:
    return reading_version(s.received_at, s.revision)


def _texts(readings: FlaggedReadings) -> list[str]:
    """Return the texts that the values do not say themselves; the others are empty."""
    pairs = zip(readings.text, readings.value, strict=True)
    return ["" if text == shortest_decimal(value) else text for text, value in pairs]


def _tests(readings: FlaggedReadings) -> list[str]:
    """Return the outcomes of each reading's tests as JSON, in the order of their names."""
    texts = [_write_outcomes(tuple(tests.items())) for tests in readings.outcomes]
    return [texts[index] for index in readings.outcome]


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _write_outcomes(tests: tuple[tuple[str, int], ...]) -> str:
    return msgspec.json.encode(dict(sorted(tests))).decode()


def _join(columns: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(columns))


def _repeat(values: Iterable[tuple[Any, FlaggedSet]]) -> list[Any]:
    """Give every reading of a set the set's value."""
    return list(chain.from_iterable(repeat(value, len(s.readings)) for value, s in values))
