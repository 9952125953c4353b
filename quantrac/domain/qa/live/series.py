"""The series of one station: which rows of the rings its parameters have."""

from collections.abc import Set as AbstractSet

import numpy as np

from quantrac.domain.qa.live.arrivals import NO_SERIES
from quantrac.domain.qa.live.rings import Rings
from quantrac.domain.qa.window import Indices

MOST_PARAMETERS = 500
"""Series of one station; what else it names has :data:`NO_SERIES`."""


class StationSeries(dict[str, int]):
    """Series indices of one station by parameter, given out at first use."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._last: tuple[list[str], Indices] = [], np.empty(0, dtype=np.intp)
        """Parameters and indices of the last file."""

    def __missing__(self, parameter: str) -> int:
        if len(self) >= MOST_PARAMETERS:
            return NO_SERIES
        index = self[parameter] = self._rings.open()
        return index

    def of_file(self, parameters: list[str]) -> tuple[list[str], Indices]:
        """Return the parameters of one file and their indices (n,).

        A station's files mostly hold the same parameters: the very same objects are given again then.
        """
        if parameters != self._last[0]:
            indices = np.array([self[parameter] for parameter in parameters], dtype=np.intp)
            self._last = parameters, indices
        return self._last

    def forget(self, indices: AbstractSet[int]) -> None:
        """Take out the indices that are no longer good."""
        for parameter in [parameter for parameter, index in self.items() if index in indices]:
            del self[parameter]
        self._last = [], np.empty(0, dtype=np.intp)
