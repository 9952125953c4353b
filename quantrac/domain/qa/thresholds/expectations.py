"""What rules and registry expect of each reading, gathered into threshold columns.

Readings of which the same is expected share a *profile*: the thresholds of every test, the interval and the
tests that must be able to judge. A window then takes each threshold by the profile numbers of its rows, so
that one call of a test judges every row. Which profile is decided by when the file was received (a change
of rules counts from there) and when the reading was measured (rules and registry have dates).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.window import Bools, Expected, Floats, Indices, Texts
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter
from quantrac.domain.registry.validity import Valid

Thresholds: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Keyword arguments by test; a test that is not a key is off.

A value is a number, a text, or twelve rows of twenty-four numbers: one for each month and hour, UTC.
"""
Columns: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]
"""By test and keyword, one value a row (n,)."""

LEAST_REACH = 1440.0
"""Minutes that a judge looks back at least, whatever the rules say."""
BEGINNING = datetime.min.replace(tzinfo=UTC)
_SLOTS = 12 * 24


class Rules(Protocol):
    """A set of thresholds with a version."""

    @property
    def version(self) -> str:
        """Content hash: the same thresholds have the same version."""

    @property
    def required(self) -> frozenset[str]:
        """Tests without whose outcome a reading is NOT_EVALUATED."""

    def thresholds(self, station_type: str, station: str, parameter: str, at: datetime) -> Thresholds:
        """Return what holds for a series at ``at`` (UTC); the type is empty for an unregistered station."""

    def changes(self, station_type: str, station: str, parameter: str) -> Sequence[datetime]:
        """Return the times of measurement (UTC) at which that changes, in order."""


class RuleBook(Protocol):
    """Which rules judge which reading."""

    @property
    def edition(self) -> int:
        """Another number whenever the answers may have changed."""

    @property
    def changes_received(self) -> Sequence[datetime]:
        """Times of receipt (UTC) at which other rules begin to judge, in order."""

    @property
    def changes_measured(self) -> Sequence[datetime]:
        """Times of measurement (UTC) at which other rules begin to judge, in order."""

    def rules(self, received_at: datetime, measured_at: datetime) -> Rules:
        """Return the rules that judge a reading; both times UTC."""


def registered(entry: StationParameter | None) -> dict[str, dict[str, Any]]:
    """Return the thresholds that the registry gives, by test; they take precedence over rules."""
    if entry is None:
        return {}
    ends = {"low": entry.range_low, "high": entry.range_high}
    return {
        "unit": {"expected": entry.unit},
        "equipment_range": {key: end for key, end in ends.items() if end is not None},
    }


class Expectations:
    """Profiles of a registry under a rule book; follows both when their records are replaced.

    Profile numbers hold until the next :meth:`refresh`.
    """

    def __init__(self, registry: Registry, book: RuleBook) -> None:
        self._registry, self._book, self._edition = registry, book, book.edition
        self._stations: dict[str, StationProfiles] = {}
        self._table = _Table()

    def refresh(self) -> None:
        """Drop what another edition of the rule book said; to be called before each batch."""
        edition = self._book.edition
        if edition != self._edition:
            self._edition = edition
            self._stations, self._table = {}, _Table()

    def station(self, code: str) -> "StationProfiles":
        """Return the profiles of a station, for file after file."""
        record = self._registry.stations.get(code)
        known = self._stations.get(code)
        if known is None or known.record is not record:
            if len(self._stations) >= STATIONS:
                self._stations.clear()
            known = self._stations[code] = StationProfiles(self._book, self._table, code, record)
        return known

    def profiles_of(
        self, station: str, parameters: Sequence[str] | np.ndarray, received: Floats, measured: Floats
    ) -> Indices:
        """Return the profile numbers (n,) of a station's readings, of any files and in any order."""
        return self.station(station).of_rows(parameters, received, measured)

    def version(self, profile: int) -> str:
        """Return the version of the rules that a profile comes from."""
        return self._table.version[profile]

    def of(self, profiles: Indices, time: Floats) -> tuple[Columns, dict[str, Bools]]:
        """Return the thresholds of rows (n,) measured at ``time``, and which tests to run on which rows.

        Thresholds are gathered when a test asks for them; one that nobody gave is the test's default.
        """
        return _Gathered(self._table, profiles, time), self._table.asked(profiles)

    def intervals(self, profiles: Indices) -> Floats:
        """Return the seconds between two readings by the registry (n,); NaN where nobody knows."""
        intervals: Floats = self._table.interval.take(profiles)
        return intervals

    def reaches(self, profiles: Indices) -> Floats:
        """Return how far tests look back from each row (n,), in seconds."""
        reaches: Floats = 60.0 * self._table.reach.take(profiles)
        return reaches

    def required(self, profiles: Indices) -> Bools:
        """Tell which tests must be able to judge each row (n, tests), in the order of the table of tests."""
        required: Bools = np.array(self._table.required, dtype=np.bool_)[self.demands(profiles)]
        return required

    def demands(self, profiles: Indices) -> Indices:
        """Return a number a row (n,), the same where the same tests must be able to judge."""
        demands: Indices = self._table.demand.take(profiles)
        return demands

    def needed(self, demand: int) -> frozenset[str]:
        """Return the tests that must be able to judge the rows of a demand."""
        return self._table.needed[demand]

    def reach(self, station: str) -> float:
        """Return how far the tests of a station look back, in minutes: at least :data:`LEAST_REACH`."""
        return max(
            (self._table.reach[each] for _, each in self.station(station).every()), default=LEAST_REACH
        )


STATIONS = 20_000
"""Stations whose profiles are kept; names that nobody registered must not fill the memory."""
PARAMETERS = 1_000
"""Parameters of one station whose profiles are kept, for the same reason."""


class _Table:
    """Profiles by number, and their thresholds in columns."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._met: dict[object, tuple[Thresholds, int]] = {}
        self._asked = {name: _Numbers(np.bool_) for name in TESTS}
        self._columns = {
            name: {keyword: _column(each) for keyword, each in thresholds_of(test).items()}
            for name, test in TESTS.items()
        }
        self.interval, self.reach = _Numbers(np.float64), _Numbers(np.float64)
        self.partners: list[frozenset[str]] = []
        self.version: list[str] = []
        self.demand = _Numbers(np.intp)
        self.needed: list[frozenset[str]] = []
        self.required: list[list[bool]] = []

    def number(self, rules: Rules, given: Thresholds, entry: StationParameter | None, interval: float) -> int:
        """Return the number of a profile, a new one if it is not known.

        Most thresholds come from the rules' own cache: the same object stands for the same thresholds.
        """
        told = (entry.unit, entry.range_low, entry.range_high) if entry is not None else None
        key = (rules.version, id(given), interval, told)
        known = self._met.get(key)
        if known is not None and known[0] is given:
            return known[1]
        facts = registered(entry)
        tests = {test: {**each, **facts.get(test, {})} for test, each in given.items()}
        content = (rules.version, interval, _hashable(tests))
        number = self._numbers.get(content)
        if number is None:
            number = self._numbers[content] = self._add(tests, interval, rules)
        self._met[key] = given, number
        return number

    def asked(self, profiles: Indices) -> dict[str, Bools]:
        return {name: rows.take(profiles) for name, rows in self._asked.items()}

    def columns(self, test: str) -> Mapping[str, "_Column"]:
        return self._columns[test]

    def _add(self, tests: Thresholds, interval: float, rules: Rules) -> int:
        reach, partners = LEAST_REACH, set()
        for name, test in TESTS.items():
            given = tests.get(name)
            self._asked[name].append(given is not None)
            for keyword, column in self._columns[name].items():
                column.append((given or {}).get(keyword, column.default))
                if given is not None and isinstance(column, _TextColumn) and name != "unit":
                    partners.add(column.last)
                if given is not None and isinstance(column, _NumberColumn) and keyword in test.reach:
                    reach = max(reach, column.longest())
        self.interval.append(interval)
        self.reach.append(reach)
        self.partners.append(frozenset(each for each in partners if each is not None))
        self.version.append(rules.version)
        if rules.required not in self.needed:
            self.needed.append(rules.required)
            self.required.append([name in rules.required for name in TESTS])
        self.demand.append(self.needed.index(rules.required))
        return len(self.version) - 1


class _Gathered(Mapping[str, Mapping[str, np.ndarray]]):
    """Threshold columns of some rows, gathered test by test when asked for."""

    def __init__(self, table: _Table, profiles: Indices, time: Floats) -> None:
        self._table, self._profiles, self._time = table, profiles, time
        self._known: dict[str, dict[str, np.ndarray]] = {}
        self._slots: Indices | None = None

    def __getitem__(self, test: str) -> Mapping[str, np.ndarray]:
        if test not in self._known:
            columns = self._table.columns(test)
            self._known[test] = {keyword: self._take(column) for keyword, column in columns.items()}
        return self._known[test]

    def __iter__(self) -> Iterator[str]:
        return iter(TESTS)

    def __len__(self) -> int:
        return len(TESTS)

    def _take(self, column: "_Column") -> np.ndarray:
        if isinstance(column, _TextColumn) or not column.tables:
            return column.take(self._profiles)
        if self._slots is None:
            self._slots = month_and_hour(self._time)
        return column.at(self._profiles, self._slots)


def month_and_hour(time: Floats) -> Indices:
    """Return 24 times the month (0 to 11) plus the hour of each time (n,), UTC.

    >>> month_and_hour(np.array([0.0, 31 * 86400.0 + 3600.0])).tolist()
    [0, 25]
    """
    seconds = np.floor(time).astype("datetime64[s]")
    months = seconds.astype("datetime64[M]").astype(np.int64) % 12
    hours = seconds.astype("datetime64[h]").astype(np.int64) % 24
    slots: Indices = (24 * months + hours).astype(np.intp)
    return slots


class _Numbers:
    """A column that grows: one value a profile."""

    def __init__(self, kind: Any) -> None:
        self._values: NDArray[Any] = np.zeros(64, dtype=kind)
        self._count = 0

    def append(self, value: Any) -> None:
        if self._count == len(self._values):
            self._values = np.concatenate([self._values, np.zeros_like(self._values)])
        self._values[self._count] = value
        self._count += 1

    def take(self, profiles: Indices) -> Any:
        return self._values.take(profiles)

    def __getitem__(self, profile: int) -> Any:
        return self._values[profile].item()


class _NumberColumn:
    """A threshold in numbers, or in tables by month and hour."""

    def __init__(self, default: Any) -> None:
        # A threshold without a default is missing only where the test is off.
        self.default = float(default) if isinstance(default, int | float) else np.nan
        self.tables: list[Floats] = []
        self._last: float | Floats = np.nan
        self._numbers, self._which = _Numbers(np.float64), _Numbers(np.intp)

    def longest(self) -> float:
        """The greatest finite number of the profile added last; -inf where there is none."""
        numbers = np.asarray(self._last)
        return float(np.max(numbers, where=np.isfinite(numbers), initial=-np.inf))

    def append(self, value: Any) -> None:
        if isinstance(value, int | float):
            self._last = float(value)
            self._numbers.append(self._last)
            self._which.append(-1)
            return
        self._last = table = np.asarray(value, dtype=np.float64).reshape(_SLOTS)
        known = (np.array_equal(each, table, equal_nan=True) for each in self.tables)
        place = next((place for place, same in enumerate(known) if same), len(self.tables))
        if place == len(self.tables):
            self.tables.append(table)
        self._numbers.append(np.nan)
        self._which.append(place)

    def take(self, profiles: Indices) -> Floats:
        numbers: Floats = self._numbers.take(profiles)
        return numbers

    def at(self, profiles: Indices, slots: Indices) -> Floats:
        """Return the numbers of rows (n,) in these slots of month and hour."""
        values, which = self.take(profiles), self._which.take(profiles)
        rows = np.flatnonzero(which >= 0)
        values[rows] = np.stack(self.tables)[which[rows], slots[rows]]
        return values


class _TextColumn:
    """A threshold in text; ``None`` where there is none."""

    default = None

    def __init__(self) -> None:
        self.last: str | None = None
        self._values = _Numbers(object)

    def append(self, value: str | None) -> None:
        self.last = value
        self._values.append(value)

    def take(self, profiles: Indices) -> Texts:
        values: Texts = self._values.take(profiles)
        return values


_Column: TypeAlias = _NumberColumn | _TextColumn


def _column(threshold: Any) -> _Column:
    text = threshold.default is None or threshold.annotation == Expected
    return _TextColumn() if text else _NumberColumn(threshold.default)


def _hashable(given: Any) -> object:
    if isinstance(given, Mapping):
        return tuple((key, _hashable(value)) for key, value in sorted(given.items()))
    if isinstance(given, np.ndarray):
        return _hashable(given.tolist())
    if isinstance(given, list | tuple):
        return tuple(_hashable(value) for value in given)
    return given


class StationProfiles:
    """Profiles of one station record, by parameter and by what changes when."""

    def __init__(self, book: RuleBook, table: _Table, station: str, record: Station | None) -> None:
        self._book, self._table, self._station, self.record = book, table, station, record
        self._received = [BEGINNING, *book.changes_received]
        self._received_seconds = [each.timestamp() for each in book.changes_received]
        periods: list[Valid] = [record, *record.parameters] if record is not None else []
        ends = {end for each in periods for end in (each.valid_from, each.valid_to)}
        self._replayed = tuple(book.changes_measured)
        self._measured = {*self._replayed, *(end for end in ends if end is not None)}
        self._constant: dict[str, int] = {}
        """By parameter, where one profile holds for ever."""
        self._changing: dict[str, _Changing] = {}
        self._pairs: dict[str, frozenset[str]] = {}
        self._paired = -1
        self._last: tuple[Sequence[str], Indices] = (), np.empty(0, dtype=np.intp)
        """Parameters and profiles of the last file, where its times do not matter."""
        self._lacking: tuple[Sequence[str], frozenset[str]] = (), frozenset()

    def of_file(self, parameters: Sequence[str], received: float, measured: Sequence[float]) -> Indices:
        """Return the profile numbers (n,) of one file: codes and times, seconds since 1970 UTC."""
        names, profiles = self._last
        if names is parameters:
            return profiles
        known = self._constant
        found, constant = [], True
        for parameter, at in zip(parameters, measured, strict=True):
            number = known.get(parameter)
            if number is None:
                changing = self._resolve(parameter)
                constant &= changing is None
                number = known[parameter] if changing is None else changing.at(received, at)
            found.append(number)
        numbers = np.array(found, dtype=np.intp)
        if constant:
            self._last = parameters, numbers
        return numbers

    def of_rows(self, parameters: Sequence[str] | np.ndarray, received: Floats, measured: Floats) -> Indices:
        """Return the profile numbers (n,) of readings of any files and in any order."""
        found = np.empty(len(measured), dtype=np.intp)
        names = np.asarray(parameters, dtype=object)
        for name in dict.fromkeys(names.tolist()):
            rows = np.flatnonzero(names == name)
            changing = self._resolve(name)
            if changing is None:
                found[rows] = self._constant[name]
            else:
                found[rows] = changing.of_rows(received[rows], measured[rows])
        return found

    def every(self) -> list[tuple[str, int]]:
        """All profiles of the registered parameters and of those seen since: code and number."""
        registered = {each.code for each in self.record.parameters} if self.record is not None else set()
        found = []
        for name in sorted({"", *registered, *self._constant, *self._changing}):
            changing = self._resolve(name)
            numbers = [self._constant[name]] if changing is None else changing.every()
            found += [(name, number) for number in numbers]
        return found

    def lacking(self, parameters: Sequence[str]) -> frozenset[str]:
        """Return the codes that tests of the station compare with one of the parameters, or it with them, and
        that are not among them.
        """
        if self._paired != len(self._constant) + len(self._changing):
            self._pair()
        names, lacking = self._lacking
        if names is not parameters:
            here = set(parameters)
            others: set[str] = set().union(*(self._pairs[each] for each in self._pairs.keys() & here))
            lacking = frozenset(others - here)
            self._lacking = parameters, lacking
        return lacking

    def profile(self, parameter: str, received: datetime, measured: datetime) -> int:
        """Return the number of one profile; both times UTC."""
        record = self.record if self.record is not None and self.record.valid_at(measured) else None
        rules = self._book.rules(received, measured)
        kind = record.type.value if record is not None else ""
        return self._table.number(
            rules,
            rules.thresholds(kind, self._station, parameter, measured),
            record.parameter(parameter, measured) if record is not None else None,
            float(record.interval_seconds) if record is not None else np.nan,
        )

    def _pair(self) -> None:
        found: dict[str, set[str]] = {}
        for name, number in self.every():
            for other in self._table.partners[number]:
                found.setdefault(name, set()).add(other)
                found.setdefault(other, set()).add(name)
        self._pairs = {name: frozenset(others) for name, others in found.items() if name}
        self._paired = len(self._constant) + len(self._changing)
        self._lacking = (), frozenset()

    def _resolve(self, parameter: str) -> "_Changing | None":
        """Work out the profiles of a parameter; ``None`` where it is constant."""
        if parameter in self._constant:
            return None
        known = self._changing.get(parameter)
        if known is None:
            if len(self._constant) + len(self._changing) >= PARAMETERS:
                self._constant.clear()
                self._changing.clear()
            measured = self._changes(parameter)
            if not measured and len(self._received) == 1:
                self._constant[parameter] = self.profile(parameter, BEGINNING, BEGINNING)
                return None
            known = self._changing[parameter] = _Changing(self, parameter, self._received, measured)
        return known

    def _changes(self, parameter: str) -> list[datetime]:
        """Times of measurement at which something changes under any of the rules."""
        found = {*self._measured}
        types = {"", self.record.type.value if self.record is not None else ""}
        for received in self._received:
            for at in (BEGINNING, *self._replayed):
                rules = self._book.rules(received, at)
                found |= {each for kind in types for each in rules.changes(kind, self._station, parameter)}
        return sorted(found)


class _Changing:
    """Profile numbers of one series: for each stretch of receipt, one for each stretch of measurement."""

    def __init__(
        self,
        owner: StationProfiles,
        parameter: str,
        received: Sequence[datetime],
        measured: Sequence[datetime],
    ) -> None:
        self._received = [each.timestamp() for each in received[1:]]
        self._measured = [each.timestamp() for each in measured]
        self._numbers = [
            [owner.profile(parameter, receipt, at) for at in (BEGINNING, *measured)] for receipt in received
        ]

    def at(self, received: float, measured: float) -> int:
        stretch = self._numbers[bisect_right(self._received, received)]
        return stretch[bisect_right(self._measured, measured)]

    def of_rows(self, received: Floats, measured: Floats) -> Indices:
        places = np.searchsorted(self._received, received, side="right")
        stretches = np.searchsorted(self._measured, measured, side="right")
        numbers: Indices = np.array(self._numbers, dtype=np.intp)[places, stretches]
        return numbers

    def every(self) -> list[int]:
        return [number for stretch in self._numbers for number in stretch]
