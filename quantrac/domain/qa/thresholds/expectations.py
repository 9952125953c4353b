"""What rules and registry expect of each reading, gathered into threshold columns.

Readings of which the same is expected share a *profile*: the thresholds of every test, the interval and the
required tests, without whose outcome a reading is NOT_EVALUATED. A window then takes each threshold by the
profile indices of its rows, so that one call of a test judges every row. Which profile is decided by when the
file was received (a change of rules counts from there) and when the reading was measured (rules and registry
have dates).
"""

from collections.abc import Sequence

import numpy as np

from quantrac.domain.qa.thresholds.kinds import StationKinds
from quantrac.domain.qa.thresholds.profile_table import (
    LEAST_LOOK_BACK,
    Columns,
    GatheredColumns,
    ProfileTable,
)
from quantrac.domain.qa.thresholds.profiles import StationProfiles
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.qa.window import Bools, Floats, Indices
from quantrac.domain.registry.registry import Registry

MOST_STATIONS = 20_000
"""Stations whose profiles are kept, beside as many as are registered: names that nobody registered must not
fill the memory.
"""


class Expectations:
    """Profiles of a registry under a rule book; follows both when their records are replaced.

    Profile indices hold until the next :meth:`refresh`.
    """

    def __init__(self, registry: Registry, book: RuleBook) -> None:
        self._registry, self._book, self._edition = registry, book, book.edition
        self._forget()

    def refresh(self) -> None:
        """Drop what follows from another edition of the rule book; to be called before each batch."""
        edition = self._book.edition
        if edition != self._edition:
            self._edition = edition
            self._forget()

    def station_profiles(self, station: str) -> StationProfiles:
        """Return the profiles of a station, for file after file."""
        record = self._registry.stations.get(station)
        profiles = self._stations.get(station)
        if profiles is None or profiles.record is not record:
            if len(self._stations) >= MOST_STATIONS + len(self._registry.stations):
                self._stations.clear()
            kind = self._kinds.kind_of(station, record)
            profiles = self._stations[station] = StationProfiles(kind, record)
        return profiles

    def profile_indices(
        self, station: str, parameters: Sequence[str] | np.ndarray, received: Floats, measured: Floats
    ) -> Indices:
        """Return the profile indices (n,) of a station's readings, of any files and in any order.

        Times are seconds since 1970 UTC.
        """
        return self.station_profiles(station).of_rows(parameters, received, measured)

    def version(self, profile: int) -> str:
        """Return the version of the rules that a profile comes from."""
        return self._table.version[profile]

    def thresholds(self, profiles: Indices, time: Floats) -> Columns:
        """Return the thresholds of rows (n,) stamped with ``time``, seconds since 1970 UTC.

        One by month and hour is that of the middle of what was averaged.

        They are gathered test by test at first use; one that nobody set is the test's default.
        """
        return GatheredColumns(self._table, profiles, time)

    def enabled_tests(self, profiles: Indices) -> dict[str, Bools]:
        """Return by test which rows (n,) the rules let it judge."""
        return self._table.enabled_tests(profiles)

    def intervals(self, profiles: Indices) -> Floats:
        """Return the seconds between two readings by the registry (n,); NaN where it names none."""
        intervals: Floats = self._table.interval.take(profiles)
        return intervals

    def look_backs(self, profiles: Indices) -> Floats:
        """Return how far tests look back from each row (n,), in seconds."""
        look_backs: Floats = self._table.look_back.take(profiles)
        return look_backs

    def look_back(self, station: str) -> float:
        """Return how far the tests of a station look back, in seconds: at least a day."""
        profiles = self.station_profiles(station).all_profiles()
        look_backs = (self._table.look_back[profile] for _, profile in profiles)
        return max(look_backs, default=60.0 * LEAST_LOOK_BACK)

    def required_tests(self, profiles: Indices) -> Bools:
        """Tell which tests are required of each row (n, tests), in the order of the table of tests."""
        required_tests = np.array(self._table.required_tests, dtype=np.bool_)
        required: Bools = required_tests[self.required_set_indices(profiles)]
        return required

    def required_set_indices(self, profiles: Indices) -> Indices:
        """Return the index of the set of required tests of each row (n,)."""
        indices: Indices = self._table.required_set.take(profiles)
        return indices

    def required_set(self, index: int) -> frozenset[str]:
        """Return the required tests of an index of :meth:`required_set_indices`."""
        return self._table.required_sets[index]

    def _forget(self) -> None:
        self._stations: dict[str, StationProfiles] = {}
        self._table = ProfileTable()
        self._kinds = StationKinds(self._book, self._table)
