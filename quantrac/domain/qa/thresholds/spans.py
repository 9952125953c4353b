"""For which times of receipt and of measurement profiles hold. Times are seconds since 1970 UTC."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from quantrac.domain.qa.window import Floats, Indices


class Spans(NamedTuple):
    """A span of receipt and one of measurement, each with its start and without its end."""

    received_from: float = -np.inf
    received_to: float = np.inf
    measured_from: float = -np.inf
    measured_to: float = np.inf

    def hold(self, received: float, measured: Sequence[float]) -> bool:
        """Tell whether a file received then, with readings measured then, lies within."""
        return self == _ALWAYS or (
            self.received_from <= received < self.received_to
            and self.measured_from <= min(measured)
            and max(measured) < self.measured_to
        )

    def intersect(self, spans: Self) -> "Spans":
        """Return what lies within both; nothing does where a span ends before it begins."""
        return Spans(
            max(self.received_from, spans.received_from),
            min(self.received_to, spans.received_to),
            max(self.measured_from, spans.measured_from),
            min(self.measured_to, spans.measured_to),
        )


_ALWAYS = Spans()


class SeriesProfiles:
    """The profiles of one parameter: for each period of receipt, one for each period of measurement."""

    def __init__(
        self, received: Sequence[float], measured: Sequence[float], profiles: Sequence[Sequence[int]]
    ) -> None:
        """``received`` (r,) and ``measured`` (m,) are the times of changes, in order; ``profiles``
        (r + 1, m + 1) are the indices before, between and after them.
        """
        self._received, self._measured, self._profiles = received, measured, profiles
        self.indices = [index for by_measurement in profiles for index in by_measurement]
        """Those of all periods."""

    def at(self, received: float, measured: float) -> tuple[int, Spans]:
        """Return the profile of one reading, and for which times it holds."""
        row, column = bisect_right(self._received, received), bisect_right(self._measured, measured)
        starts, measured_starts = (-np.inf, *self._received, np.inf), (-np.inf, *self._measured, np.inf)
        spans = Spans(*starts[row : row + 2], *measured_starts[column : column + 2])
        return self._profiles[row][column], spans

    def of_rows(self, received: Floats, measured: Floats) -> Indices:
        """Return the profiles (n,) of readings (n,)."""
        if len(self.indices) == 1:
            return np.full(len(measured), self.indices[0], dtype=np.intp)
        row = np.searchsorted(self._received, received, side="right")
        column = np.searchsorted(self._measured, measured, side="right")
        profiles: Indices = np.array(self._profiles, dtype=np.intp)[row, column]
        return profiles
