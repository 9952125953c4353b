"""A checked rule set: which thresholds hold for a series at a time, and its version."""

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np

from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.window import Window
from quantrac.domain.registry.stations import StationType
from quantrac.errors import UserError

TYPES = ("", *(t.value for t in StationType))
"""Station types, and the one of a station that nobody registered."""

Table: TypeAlias = tuple[tuple[float, ...], ...]
"""12 months of 24 hours, UTC; NaN where there is no limit."""
Numbers: TypeAlias = tuple[float, ...]
"""A list of numbers."""
Value: TypeAlias = float | str | Numbers | Table
"""A number, the catalogue code of another parameter, a list of numbers, or a table."""
Thresholds: TypeAlias = Mapping[str, Mapping[str, Value]]
"""By test and keyword."""

_EVER = datetime.min.replace(tzinfo=UTC)
_NO_ROWS = Window.of(np.empty(0))


class Scope(NamedTuple):
    """Where in a rule set a setting stands."""

    section: str
    """``national``, ``station_types`` or ``stations``."""
    name: str
    """Station type or code; empty for ``national``."""
    parameter: str
    """Catalogue code; empty for all."""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.name or self.section, self.parameter)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of a test, as it stands in a file."""

    thresholds: Mapping[str, Value] | None
    """``None`` switches the test off."""
    valid_from: datetime | None = None
    """By the time of measurement, inclusive, UTC."""
    valid_to: datetime | None = None
    """Exclusive, UTC."""
    source: str = field(default="", compare=False)
    location: str = field(default="", compare=False)
    """File and line."""

    def valid_at(self, time: datetime) -> bool:
        """Tell whether it holds at ``time`` (UTC)."""
        return (self.valid_from is None or self.valid_from <= time) and (
            self.valid_to is None or time < self.valid_to
        )

    @property
    def always(self) -> bool:
        """Whether it has neither beginning nor end."""
        return self.valid_from is None and self.valid_to is None

    def over(self, wider: "Entry") -> "Entry":
        """Return this entry completed by one that it lies over, both without dates."""
        if self.thresholds is None or wider.thresholds is None:
            return self
        sources = dict.fromkeys(filter(None, (self.source, wider.source)))
        return Entry(
            {**wider.thresholds, **self.thresholds}, source="; ".join(sources), location=self.location
        )


Settings: TypeAlias = Mapping[Scope, Mapping[str, Sequence[Entry]]]
"""By scope and test; of several entries each lies over those before it."""


class RuleSet:
    """Thresholds by station type, station, parameter and time of measurement.

    Satisfies :class:`quantrac.domain.qa.thresholds.rule_book.Rules`. A narrower scope replaces single
    thresholds of a wider one, in the order national, its parameters, station type, its parameters, station,
    its parameters.
    """

    def __init__(self, required: Iterable[str], settings: Settings) -> None:
        self.required = frozenset(required)
        self.settings = settings
        self.stations = frozenset(scope.name for scope in settings if scope.section == "stations")
        """Stations with rules of their own."""
        self._types = {scope.name for scope in settings if scope.section == "station_types"}
        self._parameters = {scope.parameter for scope in settings}
        self._changes: dict[tuple[str, str, str], tuple[datetime, ...]] = {}
        self._thresholds: dict[tuple[str, str, str, int], Thresholds] = {}

    @cached_property
    def version(self) -> str:
        """Content hash: the same thresholds have the same version, in whatever files they stand."""
        canonical = _json(self._sections(sources=False))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    @property
    def content(self) -> str:
        """The whole rule set as canonical JSON, which is a rule file too; ``from_content`` reads it back."""
        return _json(self._sections(sources=True))

    def thresholds(self, station_type: str, station: str, parameter: str, time: datetime) -> Thresholds:
        """Return what holds for a series at ``time`` (UTC); a test that is no key is off."""
        series = self._series(station_type, station, parameter)
        key = (*series, bisect_right(self.changes(*series), time))
        if key not in self._thresholds:
            layers = self.layers(*series, time)
            self._thresholds[key] = {test: _merge(layers[test]) for test in TESTS if test in layers}
        return self._thresholds[key]

    def changes(self, station_type: str, station: str, parameter: str) -> Sequence[datetime]:
        """Return the times (UTC, sorted) at which the thresholds of a series change."""
        key = self._series(station_type, station, parameter)
        if key not in self._changes:
            entries = [entry for _, _, entry in self._entries(*key)]
            times = {
                time for entry in entries for time in (entry.valid_from, entry.valid_to) if time is not None
            }
            self._changes[key] = tuple(sorted(times))
        return self._changes[key]

    def layers(
        self, station_type: str, station: str, parameter: str, time: datetime
    ) -> dict[str, list[tuple[Scope, Entry]]]:
        """Return, by test, the settings that make up its thresholds at ``time`` (UTC), widest scope first."""
        by_test: dict[str, list[tuple[Scope, Entry]]] = {}
        for scope, test, entry in self._entries(station_type, station, parameter):
            if not entry.valid_at(time):
                continue
            if entry.thresholds is None:
                by_test.pop(test, None)
            else:
                by_test.setdefault(test, []).append((scope, entry))
        return by_test

    def check(self) -> None:
        """Let every test see every threshold it may get; raises UserError with the place.

        A station's own thresholds complete those of its type. The type stands in the registry, so here they
        have to fit one of the types.
        """
        parameters = sorted({"", *(scope.parameter for scope in self.settings)})
        for parameter in parameters:
            for station_type in TYPES:
                if error := self._refusal(station_type, "", parameter):
                    raise UserError(error)
        for station in sorted(self.stations):
            mine = [code for code in parameters if Scope("stations", station, code) in self.settings]
            for parameter in parameters if "" in mine else mine:
                error = self._refusal("", station, parameter)
                if error and all(self._refusal(code, station, parameter) for code in TYPES[1:]):
                    raise UserError(error)

    def _refusal(self, station_type: str, station: str, parameter: str) -> str:
        series = self._series(station_type, station, parameter)
        for time in (_EVER, *self.changes(*series)):
            for test, thresholds in self.thresholds(*series, time).items():
                if error := _find_refusal(test, tuple(sorted(thresholds.items()))):
                    scope, entry = self.layers(*series, time)[test][-1]
                    return ": ".join(filter(None, (entry.location, str(scope), test, error)))
        return ""

    def _series(self, station_type: str, station: str, parameter: str) -> tuple[str, str, str]:
        """Stations, types and parameters without rules of their own share the entry of all others."""
        return (
            station_type if station_type in self._types else "",
            station if station in self.stations else "",
            parameter if parameter in self._parameters else "",
        )

    def _entries(self, station_type: str, station: str, parameter: str) -> Iterator[tuple[Scope, str, Entry]]:
        for section, name in (("national", ""), ("station_types", station_type), ("stations", station)):
            for code in dict.fromkeys(("", parameter)):
                scope = Scope(section, name, code)
                for test, entries in self.settings.get(scope, {}).items():
                    for entry in entries:
                        yield scope, test, entry

    def _sections(self, *, sources: bool) -> dict[str, Any]:
        sections: dict[str, Any] = {
            "required": sorted(self.required),
            "national": {},
            "station_types": {},
            "stations": {},
        }
        for scope, tests in self.settings.items():
            if not tests:
                continue
            section = sections[scope.section]
            if scope.name:
                section = section.setdefault(scope.name, {})
            written = {test: _write(entries, sources) for test, entries in tests.items()}
            if scope.parameter:
                section.setdefault("parameters", {})[scope.parameter] = written
            else:
                section["tests"] = written
        return sections


def _merge(layers: Iterable[tuple[Scope, Entry]]) -> Mapping[str, Value]:
    return {keyword: value for _, entry in layers for keyword, value in (entry.thresholds or {}).items()}


@lru_cache(maxsize=4096)  # the shipped rules have 505 different ones; most are those of other rule sets too
def _find_refusal(test: str, thresholds: tuple[tuple[str, Value], ...]) -> str:
    """Run a test on no reading; return what it says of its thresholds, for a table of its first bad cell."""
    tables = {name: value for name, value in thresholds if is_table(value)}
    for month, hour in product(range(12), range(24)) if tables else [(0, 0)]:
        cell = {name: table[month][hour] for name, table in tables.items()}
        try:
            TESTS[test].judge(_NO_ROWS, **{**dict(thresholds), **cell})
        except (TypeError, ValueError) as error:
            prefix = f"month {month + 1}, hour {hour}: " if tables else ""
            return prefix + str(error).replace(f"{test}() ", "")
    return ""


def _write(entries: Sequence[Entry], sources: bool) -> Any:
    written = [_entry(entry, sources) for entry in entries]
    return written[0] if len(entries) == 1 and entries[0].always else written


def _entry(entry: Entry, sources: bool) -> Any:
    if entry.thresholds is None:
        return False
    fields: dict[str, Any] = {key: _plain(value) for key, value in entry.thresholds.items()}
    for key, time in (("valid_from", entry.valid_from), ("valid_to", entry.valid_to)):
        if time is not None:
            fields[key] = time.isoformat()
    return fields | ({"source": entry.source} if sources and entry.source else {})


def _plain(value: Value) -> Any:
    if is_table(value):
        return [[None if math.isnan(limit) else limit for limit in month] for month in value]
    return list(value) if isinstance(value, tuple) else value


def is_table(value: Value) -> TypeGuard[Table]:
    """Tell a table by month and hour from other thresholds."""
    return isinstance(value, tuple) and any(isinstance(month, tuple) for month in value)


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
