"""Columns of ``readings``, from flagged sets. Pure: the same sets give the same."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from math import nan
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import reading_version
from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.readings import NOT_RUN, FlaggedReadings, FlaggedSet
from quantrac.domain.times import to_whole_seconds
from quantrac.io.clickhouse_native import Words
from services.aggregator.sink.tables.topic_tables import Columns

READING = (
    *("station", "parameter", "measured_at", "value", "text", "unit"),
    *("status", "qualifier", "flag", "tests", "rules", "imported", "line", "version"),
)
"""The columns of ``readings``; the first three are its key."""

_MOST_TEXTS = 100_000
"""Texts remembered, some 10 MB: stations send the same few thousands again and again."""

_MOST_OUTCOMES = 10_000
"""Combinations of outcomes remembered; a country shows some hundreds."""

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
    counts = [len(r) for r in readings]
    version = np.array([_version(s) for s in filled.values()], dtype=np.int64).repeat(counts)
    if versions:
        ends = dict(zip(filled, np.cumsum(counts).tolist(), strict=True))
        for index in versions.keys() & ends.keys():
            version[ends[index] - len(versions[index]) : ends[index]] = versions[index]
    return {
        "station": _spread([s.station for s in filled.values()], counts),
        "parameter": _number_words([r.parameter for r in readings]),
        "measured_at": _seconds([r.measured_at for r in readings], counts),
        "value": _join(r.value for r in readings),
        "text": _join(map(_texts, readings)),
        "unit": _number_words([r.unit for r in readings]),
        "status": _statuses([r.status for r in readings], counts),
        "qualifier": _qualifiers([r.qualifier for r in readings], counts),
        "flag": _join(r.flag for r in readings),
        "tests": _join(map(_tests, readings)),
        "rules": _spread([s.rules for s in filled.values()], counts),
        "imported": np.array([s.is_imported for s in filled.values()], dtype=np.uint8).repeat(counts),
        "line": _join(r.line for r in readings),
        "version": version,
    }


def reading_rows(s: FlaggedSet) -> list[Row]:
    """Return the rows of ``readings`` that a set of a station gives, times as ``datetime``."""
    r = s.readings
    as_sent = (r.parameter, r.measured_at, r.value, _texts(r), r.unit, r.status, r.qualifier)
    rows = zip(*as_sent, r.flag, _tests(r), r.line, strict=True)
    imported = int(s.is_imported)
    return [(s.station, *row, s.rules, imported, line, _version(s)) for *row, line in rows]


def _version(s: FlaggedSet) -> int:
    return reading_version(s.received_at, s.revision)


class _ShortestDecimals(dict[str, float]):
    """Text -> the number that it is the shortest decimal of; NaN for other texts, and for zero."""

    def __missing__(self, text: str) -> float:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        try:
            number = float(text)
        except ValueError:
            number = nan
        if number == 0 or shortest_decimal(number) != text:
            number = nan
        self[text] = number
        return number


_shortest_decimals = _ShortestDecimals()


def _texts(readings: FlaggedReadings) -> list[str]:
    """Return the texts that the values do not say themselves; the others are empty."""
    # Zero has two signs that compare as equal; what is not known of a text is worked out.
    return [
        "" if _shortest_decimals[text] == value or (value == 0 and shortest_decimal(value) == text) else text
        for text, value in zip(readings.text, readings.value, strict=True)
    ]


class _OutcomeTexts(dict[str, str]):
    """Digits -> the outcomes as JSON by name of the test, in the order of the names."""

    def __init__(self, tests: tuple[str, ...]) -> None:
        self._positions = sorted((name, position) for position, name in enumerate(tests))

    def __missing__(self, digits: str) -> str:
        outcomes = {name: int(digits[position]) for name, position in self._positions}
        text = self[digits] = msgspec.json.encode(
            {name: outcome for name, outcome in outcomes.items() if outcome != NOT_RUN}
        ).decode()
        return text


@lru_cache(maxsize=64)  # of each version of the validator
def _outcome_texts(tests: tuple[str, ...]) -> _OutcomeTexts:
    return _OutcomeTexts(tests)


def _tests(readings: FlaggedReadings) -> list[str]:
    """Return the outcomes of each reading's tests as JSON."""
    text_of = _outcome_texts(tuple(readings.tests))
    if len(text_of) > _MOST_OUTCOMES:
        text_of.clear()
    texts = [text_of[digits] for digits in readings.outcomes]
    return [texts[index] for index in readings.outcome]


def _join(columns: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(columns))


def _number_words(columns: Sequence[list[str]]) -> Words:
    """Return columns of which most are the very same few lists (:mod:`quantrac.domain.sharing`)."""
    distinct = {id(column): column for column in columns}
    words = list(dict.fromkeys(chain.from_iterable(distinct.values())))
    code_of = {word: code for code, word in enumerate(words)}
    codes = {key: np.array([code_of[word] for word in column]) for key, column in distinct.items()}
    return Words(words, np.concatenate([codes[id(column)] for column in columns]))


def _seconds(columns: Sequence[list[datetime]], counts: Sequence[int]) -> NDArray[np.int64]:
    """Return the times of all rows in seconds since 1970, UTC; a file nearly always has one."""
    if all(map(_is_constant, columns)):
        return np.array([to_whole_seconds(times[0]) for times in columns]).repeat(counts)
    return np.array([to_whole_seconds(time) for times in columns for time in times])


def _statuses(columns: Sequence[list[str]], counts: Sequence[int]) -> Words | list[str]:
    """Return the device status of all rows; in a file nearly always one."""
    if all(map(_is_constant, columns)):
        return _spread([statuses[0] for statuses in columns], counts)
    return _join(columns)


def _qualifiers(columns: Sequence[list[Qualifier]], counts: Sequence[int]) -> Words | list[Qualifier]:
    """Return the qualifiers of all rows; nearly always there is none."""
    if any(map(any, columns)):
        return _join(columns)
    return Words([NO_QUALIFIER], np.zeros(sum(counts), dtype=np.int64))


def _is_constant(column: list[Any]) -> bool:
    return column[0] is column[-1] and column.count(column[0]) == len(column)


def _spread(texts: Sequence[str], counts: Sequence[int]) -> Words:
    """Return the text of each set, for so many rows each."""
    words = list(dict.fromkeys(texts))
    code_of = {word: code for code, word in enumerate(words)}
    return Words(words, np.array([code_of[text] for text in texts]).repeat(counts))
