"""The profiles of one station: which one holds for a reading, by when it was received and measured."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from quantrac.domain.qa.thresholds.columns import ProfileTable
from quantrac.domain.qa.thresholds.rule_book import BEGINNING, RuleBook
from quantrac.domain.qa.window import Floats, Indices
from quantrac.domain.stations import Station, Valid

PARAMETERS = 1_000
"""Parameters of one station whose profiles are kept, for the same reason."""


class StationProfiles:
    """Profiles of one station record, by parameter and by what changes when."""

    def __init__(self, book: RuleBook, table: ProfileTable, station: str, record: Station | None) -> None:
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
