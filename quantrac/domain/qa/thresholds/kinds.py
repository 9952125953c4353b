"""Kinds of stations: those of which the same is expected share their profiles.

A country has hundreds of stations that measure the same parameters in the same ranges. What is expected of
them is worked out once, so that neither a start nor a change of rules, after which every station's next file
is the first one, stops what comes in.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from quantrac.domain.qa.thresholds.profile_table import ProfileTable
from quantrac.domain.qa.thresholds.rule_book import BEGINNING, REGISTRY_FACTS, RuleBook
from quantrac.domain.qa.thresholds.spans import SeriesProfiles, Spans
from quantrac.domain.qa.window import Indices
from quantrac.domain.registry.intervals import Intervals
from quantrac.domain.registry.stations import Station, StationParameter
from quantrac.domain.registry.validity import Valid, change_times
from quantrac.domain.stamps import MiddleOffset, middles
from quantrac.domain.times import from_seconds, to_seconds

MOST_KINDS = 20_000
"""Kinds kept; records that were replaced must not fill the memory."""
MOST_SERIES = 100_000
"""Parameters of all kinds whose profiles are kept."""
MOST_PARAMETERS = 1_000
"""Parameters of one kind whose profiles are kept; unregistered names must not fill the memory."""
MOST_FILES = 1_000
"""Sets of parameters of one kind for which answers are kept; a station's files show a handful."""

_entry_facts = attrgetter("code", "valid_from", "valid_to", *REGISTRY_FACTS)


@dataclass(frozen=True, slots=True)
class Scope(Valid):
    """What the profiles of all parameters of a station follow from; valid as its record is."""

    station: str
    """Its code where rules say something about this station alone, otherwise empty."""
    type: str = ""
    """Empty for a station that nobody registered."""
    intervals: Intervals | None = None
    """Between two readings by the registry."""
    middles: tuple[MiddleOffset, ...] = ()
    """How far from stamps the middle of what was averaged lies."""


class FileProfiles(NamedTuple):
    """The profiles of a file's readings."""

    indices: Indices
    """(n,)"""
    spans: Spans
    """For which files of the same parameters they hold."""
    unregistered: AbstractSet[str]
    """Parameters of the file that the record does not name."""


class StationKinds:
    """The kinds of the stations met, under one edition of a rule book."""

    def __init__(self, book: RuleBook, table: ProfileTable) -> None:
        self.table = table
        self._book = book
        self._changes_received = (BEGINNING, *book.changes_received)
        self._received = [to_seconds(at) for at in book.changes_received]
        self._changes_measured = tuple(book.changes_measured)
        rules = [
            book.rules(received, measured)
            for received in self._changes_received
            for measured in (BEGINNING, *self._changes_measured)
        ]
        self._rules = {id(rules_of_period): rules_of_period for rules_of_period in rules}.values()
        self._stations = frozenset().union(*(rules_of_period.stations for rules_of_period in self._rules))
        """Stations that have rules of their own."""
        self._kinds: dict[object, StationKind] = {}
        self._series: dict[object, SeriesProfiles] = {}

    def kind_of(self, station: str, record: Station | None) -> "StationKind":
        """Return the kind of a station; without a record nobody registered it."""
        named = station if station in self._stations else ""
        key: object = named
        if record is not None:
            entries = tuple(map(_entry_facts, record.parameters))
            dates = record.valid_from, record.valid_to
            key = named, record.type, record.all_intervals, record.middle_offsets(), dates, entries
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = self._new_kind(named, record)
        return kind

    def series(self, scope: Scope, parameter: str, entries: Sequence[StationParameter]) -> SeriesProfiles:
        """Return the profiles of a parameter; ``entries`` are those of the record that are about it."""
        key = scope, parameter, tuple(map(_entry_facts, entries))
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MOST_SERIES:
                self._series.clear()
            series = self._series[key] = self._add_series(scope, parameter, entries)
        return series

    def _new_kind(self, station: str, record: Station | None) -> "StationKind":
        if record is None:
            return StationKind(self, Scope(station), ())
        validity = {"valid_from": record.valid_from, "valid_to": record.valid_to}
        scope = Scope(station, record.type, record.all_intervals, record.middle_offsets(), **validity)
        return StationKind(self, scope, record.parameters)

    def _add_series(
        self, scope: Scope, parameter: str, entries: Sequence[StationParameter]
    ) -> SeriesProfiles:
        changes = self._find_changes(scope, parameter, entries)
        return SeriesProfiles(
            self._received,
            [to_seconds(at) for at in changes],
            [
                [self._profile(scope, parameter, entries, received, at) for at in (BEGINNING, *changes)]
                for received in self._changes_received
            ],
        )

    def _profile(
        self,
        scope: Scope,
        parameter: str,
        entries: Sequence[StationParameter],
        received: datetime,
        measured: datetime,
    ) -> int:
        if not scope.valid_at(measured):
            scope, entries = Scope(scope.station), ()
        rules = self._book.rules(received, measured)
        return self.table.index_of(
            rules,
            rules.thresholds(scope.type, scope.station, parameter, measured),
            next((entry for entry in entries if entry.valid_at(measured)), None),
            None if scope.intervals is None else float(scope.intervals.step_at(measured)),
            middles(seconds := to_seconds(measured), scope.middles) - seconds,
        )

    def _find_changes(
        self, scope: Scope, parameter: str, entries: Sequence[StationParameter]
    ) -> list[datetime]:
        """Times of measurement at which something changes under any of the rules."""
        changes = {*self._changes_measured, *change_times((scope, *entries))}
        changes |= {from_seconds(bound) for offset in scope.middles for bound in (offset.start, offset.end)}
        changes |= scope.intervals.step_changes() if scope.intervals is not None else set()
        for rules in self._rules:
            for station_type in {"", scope.type}:
                changes |= {*rules.changes(station_type, scope.station, parameter)}
        return sorted(changes)


class StationKind:
    """Profiles by parameter and by set of parameters, for all stations of a kind.

    The parameters of the record are the same for all of them; others are worked out when one is sent.
    """

    def __init__(self, kinds: StationKinds, scope: Scope, entries: Sequence[StationParameter]) -> None:
        self._kinds, self._scope = kinds, scope
        self.entries: dict[str, list[StationParameter]] = {}
        """Of the record, by parameter."""
        for entry in entries:
            self.entries.setdefault(entry.code, []).append(entry)
        self._series: dict[str, SeriesProfiles] = {}
        self._files: dict[tuple[str, ...], FileProfiles] = {}
        """By the parameters of a file."""
        self._missing: dict[object, frozenset[str]] = {}
        """Companions by the parameters of a file, and by those that the station sent beside its record's."""

    def series(self, parameter: str) -> SeriesProfiles:
        """Return the profiles of a parameter."""
        series = self._series.get(parameter)
        if series is None:
            if len(self._series) >= MOST_PARAMETERS:
                self._series.clear()
            entries = self.entries.get(parameter, ())
            series = self._series[parameter] = self._kinds.series(self._scope, parameter, entries)
        return series

    def of_file(self, parameters: Sequence[str], received: float, measured: Sequence[float]) -> FileProfiles:
        """Return the profiles of one file: codes (n,) and times, seconds since 1970 UTC."""
        key = tuple(parameters)
        profiles = self._files.get(key)
        if profiles is None or not profiles.spans.hold(received, measured):
            if len(self._files) >= MOST_FILES:
                self._files.clear()
            profiles = self._files[key] = self._find_profiles(key, received, measured)
        return profiles

    def missing_companions(self, parameters: Sequence[str], unregistered: frozenset[str]) -> frozenset[str]:
        """Return the codes that tests compare with one of the parameters, or it with them, and that are not
        among them. ``unregistered`` are those that the station sent beside those of the record.
        """
        key = tuple(parameters), unregistered
        missing = self._missing.get(key)
        if missing is None:
            if len(self._missing) >= MOST_FILES:
                self._missing.clear()
            missing = self._missing[key] = self._find_missing(set(parameters), unregistered)
        return missing

    def all_series(self, unregistered: AbstractSet[str]) -> Mapping[str, SeriesProfiles]:
        """Return the profiles of the record's parameters, of others, and of any other (an empty code)."""
        return {code: self.series(code) for code in sorted({"", *self.entries, *unregistered})}

    def _find_profiles(
        self, parameters: Sequence[str], received: float, measured: Sequence[float]
    ) -> FileProfiles:
        indices, spans = [], Spans()
        for parameter, time in zip(parameters, measured, strict=True):
            index, index_spans = self.series(parameter).at(received, time)
            indices.append(index)
            spans = spans.intersect(index_spans)
        return FileProfiles(
            np.array(indices, dtype=np.intp), spans, frozenset(parameters) - self.entries.keys()
        )

    def _find_missing(self, parameters: AbstractSet[str], unregistered: AbstractSet[str]) -> frozenset[str]:
        companions: set[str] = set()
        for code, series in self.all_series(unregistered).items():
            compared = frozenset().union(*(self._kinds.table.companions[index] for index in series.indices))
            if code in parameters:
                companions |= compared
            if compared & parameters:
                companions.add(code)
        return frozenset(companions - parameters)
