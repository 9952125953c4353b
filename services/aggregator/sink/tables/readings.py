"""Columns of ``readings`` and ``reading_revisions``, from flagged sets. Pure: the same sets give the same."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from typing import Any

import msgspec

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import MOST_REVISIONS, reading_version, received_of
from quantrac.io.records import BadData
from schemas.codec import StoredSet
from services.aggregator.sink.tables.topic_tables import Columns

READING = (
    *("station", "parameter", "measured_at", "value", "text", "unit"),
    *("status", "flag", "tests", "rules", "line", "version"),
)
"""The columns of ``readings``; the first three are its key."""

Row = Sequence[Any]
"""Values of the columns :data:`READING`."""

_tests = msgspec.json.Decoder(dict[str, int])


def reading_columns(sets: Iterable[StoredSet], stored: Iterable[Row] = ()) -> Columns:
    """Return the columns of ``readings``, one row a reading; sets without a station hold none.

    ``stored`` are rows of the table. A file that is read again, and with another result, has to win over all
    that was made of it before: its rows get the next version.
    """
    filled = [s for s in sets if s.station and s.readings]
    readings = [r for s in filled for r in s.readings]
    if not readings:
        return {}
    columns = {
        "station": _repeat((s.station, s) for s in filled),
        "parameter": [r.parameter for r in readings],
        "measured_at": [r.measured_at for r in readings],
        "value": [r.value for r in readings],
        "text": ["" if r.text == shortest_decimal(r.value) else r.text for r in readings],
        "unit": [r.unit for r in readings],
        "status": [r.status for r in readings],
        "flag": [r.flag for r in readings],
        "tests": [_write_outcomes(bytes(r.tests)) for r in readings],
        "rules": _repeat((s.rules, s) for s in filled),
        "line": [r.line for r in readings],
        "version": _repeat((reading_version(s.received_at, s.revision), s) for s in filled),
    }
    stored_by_key = {tuple(row[:3]): row for row in stored}
    if stored_by_key:
        rows = list(zip(*columns.values(), strict=True))
        last = {row[:3]: index for index, row in enumerate(rows)}  # of a file that says it twice
        is_first = _repeat((s.revision == 0, s) for s in filled)
        for index, row in enumerate(rows):
            key = row[:3]
            if is_first[index] and index == last[key] and key in stored_by_key:
                columns["version"][index] = _version_over(row, stored_by_key[key])
    return columns


def _version_over(row: Row, stored: Row) -> int:
    """Return the version of a row that was judged for the first time, over the one that is stored."""
    version: int = row[-1]
    stored_version: int = stored[-1]
    if received_of(stored_version) != received_of(version) or _content(row) == _content(stored):
        return version
    return min(stored_version + 1, version | MOST_REVISIONS)


def revision_columns(stored: Sequence[Row], sets: Sequence[StoredSet]) -> Columns:
    """Return the columns of ``reading_revisions``: every row that ``sets`` put another one of its key over.

    ``stored`` are rows of ``readings``, those of the keys of ``sets`` among them. A row may be superseded by
    one of the same batch, and a row that comes too late to count at all is copied as well.
    """
    causes = _repeat((s.cause, s) for s in sets if s.station)
    new = list(zip(*reading_columns(sets, stored).values(), strict=True))
    # Key of a reading -> version -> row and cause.
    versions: dict[tuple[Any, ...], dict[int, tuple[Row, str]]] = {row[:3]: {} for row in new}
    for row in stored:
        if (rows := versions.get(tuple(row[:3]))) is not None:
            rows[row[-1]] = row, ""
    for row, cause in zip(new, causes, strict=True):
        versions[row[:3]][row[-1]] = row, cause
    superseded = [
        (*rows[version][0], following, rows[following][1])
        for rows in versions.values()
        for version, following in pairwise(sorted(rows))
    ]
    names = (*READING, "superseded_by", "cause")
    return {name: list(column) for name, column in zip(names, zip(*superseded, strict=True), strict=False)}


def _content(row: Row) -> tuple[Any, ...]:
    """Return what the file says of a reading: value, text, unit, status, line."""
    return (*row[3:7], row[READING.index("line")])


def _repeat(values: Iterable[tuple[Any, StoredSet]]) -> list[Any]:
    """Give every reading of a set the set's value."""
    return list(chain.from_iterable(repeat(value, len(s.readings)) for value, s in values))


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _write_outcomes(tests: bytes) -> str:
    """Write the outcomes of a reading's tests in the order of their names; raises ``BadData``."""
    try:
        outcomes = _tests.decode(tests)
    except msgspec.MsgspecError as error:
        raise BadData(f"the tests of a reading are no outcomes by name: {error}") from error
    return msgspec.json.encode(dict(sorted(outcomes.items()))).decode()
