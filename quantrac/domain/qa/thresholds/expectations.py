"""What rules and registry expect of each reading, gathered into threshold columns.

Readings of which the same is expected share a *profile*: the thresholds of every test, the interval and the
tests that must be able to judge. A window then takes each threshold by the profile numbers of its rows, so
that one call of a test judges every row. Which profile is decided by when the file was received (a change
of rules counts from there) and when the reading was measured (rules and registry have dates).
"""

from collections.abc import Sequence

import numpy as np

from quantrac.domain.qa.thresholds.columns import LEAST_REACH, Columns, GatheredColumns, ProfileTable
from quantrac.domain.qa.thresholds.profiles import StationProfiles
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.qa.window import Bools, Floats, Indices
from quantrac.domain.stations import Registry


class Expectations:
    """Profiles of a registry under a rule book; follows both when their records are replaced.

    Profile numbers hold until the next :meth:`refresh`.
    """

    def __init__(self, registry: Registry, book: RuleBook) -> None:
        self._registry, self._book, self._edition = registry, book, book.edition
        self._stations: dict[str, StationProfiles] = {}
        self._table = ProfileTable()

    def refresh(self) -> None:
        """Drop what another edition of the rule book said; to be called before each batch."""
        edition = self._book.edition
        if edition != self._edition:
            self._edition = edition
            self._stations, self._table = {}, ProfileTable()

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
        return GatheredColumns(self._table, profiles, time), self._table.asked(profiles)

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
