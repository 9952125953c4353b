"""The series of one station: which rows of the rings its parameters have."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from quantrac.domain.qa.live.arrivals import NO_SERIES
from quantrac.domain.qa.live.rings import Rings
from quantrac.domain.qa.window import Indices

MOST_PARAMETERS = 500
"""Series of one station; what else it names has :data:`NO_SERIES`."""
_NONE = np.empty(0, dtype=np.intp)


class StationSeries(dict[str, int]):
    """Series indices of one station by parameter, given out at first use."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._last: tuple[list[str], Indices] = [], _NONE
        """Parameters and indices of the last file."""

    def __missing__(self, parameter: str) -> int:
        self._open([parameter])
        return self.get(parameter, NO_SERIES)

    def of_file(self, parameters: list[str]) -> tuple[list[str], Indices]:
        """Return the parameters of one file and their indices (n,).

        A station's files mostly hold the same parameters: the very same objects are given again then.
        """
        if parameters != self._last[0]:
            self._open([parameter for parameter in dict.fromkeys(parameters) if parameter not in self])
            indices = [self.get(parameter, NO_SERIES) for parameter in parameters]
            self._last = parameters, np.array(indices, dtype=np.intp)
        return self._last

    def _open(self, parameters: Sequence[str]) -> None:
        """Give new parameters an index each, as long as there is room."""
        parameters = parameters[: MOST_PARAMETERS - len(self)]
        if parameters:
            self.update(zip(parameters, self._rings.open(len(parameters)), strict=True))

    def forget(self, indices: AbstractSet[int]) -> None:
        """Take out the indices that are no longer good."""
        for parameter in [parameter for parameter, index in self.items() if index in indices]:
            del self[parameter]
        self._last = [], _NONE
