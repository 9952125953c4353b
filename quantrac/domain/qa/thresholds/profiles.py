"""The profiles of one station: which one holds for a reading, by when it was received and measured."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from quantrac.domain.qa.thresholds.profile_table import ProfileTable
from quantrac.domain.qa.thresholds.rule_book import BEGINNING, RuleBook
from quantrac.domain.qa.window import Floats, Indices
from quantrac.domain.stations import Station, Valid
from quantrac.domain.times import to_seconds

MOST_PARAMETERS = 1_000
"""Parameters of one station whose profiles are kept; unregistered names must not fill the memory."""


class StationProfiles:
    """Profiles of one station record, by parameter and by what changes when.

    A parameter is *constant* where one profile holds whenever its readings were received and measured.
    """

    def __init__(self, book: RuleBook, table: ProfileTable, station: str, record: Station | None) -> None:
        self._book, self._table, self._station, self.record = book, table, station, record
        self._changes_received = [BEGINNING, *book.changes_received]
        validities: list[Valid] = [record, *record.parameters] if record is not None else []
        bounds = {bound for validity in validities for bound in (validity.valid_from, validity.valid_to)}
        self._rule_changes = tuple(book.changes_measured)
        self._changes_measured = {*self._rule_changes, *(bound for bound in bounds if bound is not None)}
        self._constant: dict[str, int] = {}
        """Profile by parameter, where it is constant."""
        self._changing: dict[str, _ChangingProfile] = {}
        self._pairs: dict[str, frozenset[str]] = {}
        """By parameter: those that tests compare with it, or it with them."""
        self._paired_count = -1
        """Of how many parameters the pairs were worked out."""
        self._last_file: tuple[Sequence[str], Indices] = (), np.empty(0, dtype=np.intp)
        """Parameters and profiles of the last file whose parameters were all constant."""
        self._last_missing: tuple[Sequence[str], frozenset[str]] = (), frozenset()

    def of_file(self, parameters: Sequence[str], received: float, measured: Sequence[float]) -> Indices:
        """Return the profile indices (n,) of one file: codes and times, seconds since 1970 UTC.

        A station's files mostly hold the same parameters; for the very same list the answer is ready.
        """
        last_parameters, last_profiles = self._last_file
        if last_parameters is parameters:
            return last_profiles
        profiles, all_constant = [], True
        for parameter, time in zip(parameters, measured, strict=True):
            profile = self._constant.get(parameter)
            if profile is None:
                changing = self._resolve(parameter)
                all_constant &= changing is None
                profile = self._constant[parameter] if changing is None else changing.at(received, time)
            profiles.append(profile)
        indices = np.array(profiles, dtype=np.intp)
        if all_constant:
            self._last_file = parameters, indices
        return indices

    def of_rows(self, parameters: Sequence[str] | np.ndarray, received: Floats, measured: Floats) -> Indices:
        """Return the profile indices (n,) of readings of any files and in any order."""
        profiles = np.empty(len(measured), dtype=np.intp)
        codes = np.asarray(parameters, dtype=object)
        for parameter in dict.fromkeys(codes.tolist()):
            rows = np.flatnonzero(codes == parameter)
            changing = self._resolve(parameter)
            if changing is None:
                profiles[rows] = self._constant[parameter]
            else:
                profiles[rows] = changing.of_rows(received[rows], measured[rows])
        return profiles

    def all_profiles(self) -> list[tuple[str, int]]:
        """Return all profiles of the registered parameters and of those met since: code and index."""
        registered = {entry.code for entry in self.record.parameters} if self.record is not None else set()
        profiles = []
        for parameter in sorted({"", *registered, *self._constant, *self._changing}):
            changing = self._resolve(parameter)
            indices = [self._constant[parameter]] if changing is None else changing.all_profiles()
            profiles += [(parameter, index) for index in indices]
        return profiles

    def missing_companions(self, parameters: Sequence[str]) -> frozenset[str]:
        """Return the codes that tests of the station compare with one of the parameters, or it with them, and
        that are not among them.
        """
        if self._paired_count != len(self._constant) + len(self._changing):
            self._pair()
        last_parameters, missing = self._last_missing
        if last_parameters is not parameters:
            present = set(parameters)
            companions: set[str] = set().union(*(self._pairs[code] for code in self._pairs.keys() & present))
            missing = frozenset(companions - present)
            self._last_missing = parameters, missing
        return missing

    def profile(self, parameter: str, received: datetime, measured: datetime) -> int:
        """Return the index of one profile; both times UTC."""
        record = self.record if self.record is not None and self.record.valid_at(measured) else None
        rules = self._book.rules(received, measured)
        station_type = record.type.value if record is not None else ""
        return self._table.index_of(
            rules,
            rules.thresholds(station_type, self._station, parameter, measured),
            record.parameter(parameter, measured) if record is not None else None,
            float(record.interval_seconds) if record is not None else np.nan,
        )

    def _pair(self) -> None:
        pairs: dict[str, set[str]] = {}
        for parameter, profile in self.all_profiles():
            for companion in self._table.companions[profile]:
                pairs.setdefault(parameter, set()).add(companion)
                pairs.setdefault(companion, set()).add(parameter)
        self._pairs = {parameter: frozenset(codes) for parameter, codes in pairs.items() if parameter}
        self._paired_count = len(self._constant) + len(self._changing)
        self._last_missing = (), frozenset()

    def _resolve(self, parameter: str) -> "_ChangingProfile | None":
        """Work out the profiles of a parameter; ``None`` where it is constant."""
        if parameter in self._constant:
            return None
        changing = self._changing.get(parameter)
        if changing is None:
            if len(self._constant) + len(self._changing) >= MOST_PARAMETERS:
                self._constant.clear()
                self._changing.clear()
            measured = self._find_changes(parameter)
            if not measured and len(self._changes_received) == 1:
                self._constant[parameter] = self.profile(parameter, BEGINNING, BEGINNING)
                return None
            changing = _ChangingProfile(self, parameter, self._changes_received, measured)
            self._changing[parameter] = changing
        return changing

    def _find_changes(self, parameter: str) -> list[datetime]:
        """Times of measurement at which something changes under any of the rules."""
        changes = {*self._changes_measured}
        types = {"", self.record.type.value if self.record is not None else ""}
        for received in self._changes_received:
            for measured in (BEGINNING, *self._rule_changes):
                rules = self._book.rules(received, measured)
                for station_type in types:
                    changes |= {*rules.changes(station_type, self._station, parameter)}
        return sorted(changes)


class _ChangingProfile:
    """Profile indices of one series: for each period of receipt, one for each period of measurement."""

    def __init__(
        self,
        owner: StationProfiles,
        parameter: str,
        received: Sequence[datetime],
        measured: Sequence[datetime],
    ) -> None:
        self._received = [to_seconds(at) for at in received[1:]]
        self._measured = [to_seconds(at) for at in measured]
        self._profiles = [
            [owner.profile(parameter, receipt, at) for at in (BEGINNING, *measured)] for receipt in received
        ]

    def at(self, received: float, measured: float) -> int:
        """Return the profile of one reading."""
        by_measurement = self._profiles[bisect_right(self._received, received)]
        return by_measurement[bisect_right(self._measured, measured)]

    def of_rows(self, received: Floats, measured: Floats) -> Indices:
        """Return the profiles (n,) of readings (n,)."""
        received_index = np.searchsorted(self._received, received, side="right")
        measured_index = np.searchsorted(self._measured, measured, side="right")
        profiles: Indices = np.array(self._profiles, dtype=np.intp)[received_index, measured_index]
        return profiles

    def all_profiles(self) -> list[int]:
        """Return the profiles of all periods."""
        return [profile for by_measurement in self._profiles for profile in by_measurement]
