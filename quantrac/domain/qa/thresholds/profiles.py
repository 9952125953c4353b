"""The profiles of one station: which one holds for a reading, by when it was received and measured."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from quantrac.domain.qa.thresholds.kinds import FileProfiles, StationKind
from quantrac.domain.qa.thresholds.spans import Spans
from quantrac.domain.qa.window import Floats, Indices
from quantrac.domain.registry.stations import Station

MOST_PARAMETERS = 1_000
"""Unregistered parameters of one station that are remembered; they must not fill the memory."""


class StationProfiles:
    """The profiles of one station record: those of its kind, and what the station sent last.

    Parameters that the record does not name count from when they are first met.
    """

    __slots__ = ("_kind", "_last_file", "_last_missing", "_unregistered", "record")

    def __init__(self, kind: StationKind, record: Station | None) -> None:
        self._kind, self.record = kind, record
        self._unregistered: frozenset[str] = frozenset()
        """Parameters met that the record does not name."""
        self._last_file: tuple[Sequence[str], FileProfiles] = _NO_FILE
        self._last_missing: tuple[Sequence[str], frozenset[str]] = _NO_COMPANIONS

    def of_file(self, parameters: Sequence[str], received: float, measured: Sequence[float]) -> Indices:
        """Return the profile indices (n,) of one file: codes and times, seconds since 1970 UTC.

        A station's files mostly hold the same parameters; for the very same list the answer is ready.
        """
        last_parameters, profiles = self._last_file
        if last_parameters is not parameters or not profiles.spans.hold(received, measured):
            profiles = self._kind.of_file(parameters, received, measured)
            self._last_file = parameters, profiles
            self._meet(profiles.unregistered)
        return profiles.indices

    def of_rows(self, parameters: Sequence[str] | np.ndarray, received: Floats, measured: Floats) -> Indices:
        """Return the profile indices (n,) of readings of any files and in any order."""
        profiles = np.empty(len(measured), dtype=np.intp)
        codes = np.asarray(parameters, dtype=object)
        distinct = dict.fromkeys(codes.tolist())
        self._meet(distinct.keys() - self._kind.entries.keys())
        for parameter in distinct:
            rows = np.flatnonzero(codes == parameter)
            profiles[rows] = self._kind.series(parameter).of_rows(received[rows], measured[rows])
        return profiles

    def all_profiles(self) -> list[tuple[str, int]]:
        """Return all profiles of the registered parameters and of those met since: code and index."""
        all_series = self._kind.all_series(self._unregistered)
        return [(code, index) for code, series in all_series.items() for index in series.indices]

    def missing_companions(self, parameters: Sequence[str]) -> frozenset[str]:
        """Return the codes that tests of the station compare with one of the parameters, or it with them, and
        that are not among them.
        """
        last_parameters, missing = self._last_missing
        if last_parameters is not parameters:
            missing = self._kind.missing_companions(parameters, self._unregistered)
            self._last_missing = parameters, missing
        return missing

    def _meet(self, unregistered: AbstractSet[str]) -> None:
        if unregistered <= self._unregistered:
            return
        if len(self._unregistered) >= MOST_PARAMETERS:
            self._unregistered = frozenset()
        self._unregistered |= unregistered
        self._last_missing = _NO_COMPANIONS


_NO_FILE: tuple[Sequence[str], FileProfiles] = (
    (),
    FileProfiles(np.empty(0, dtype=np.intp), Spans(), frozenset()),
)
_NO_COMPANIONS: tuple[Sequence[str], frozenset[str]] = (), frozenset()
