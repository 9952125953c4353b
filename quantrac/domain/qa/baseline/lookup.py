"""The baselines of all stations as the live form holds them: bounds by block of time and parameter."""

from collections.abc import Mapping, Sequence

import numpy as np

from quantrac.domain.qa.baseline.blocks import BOUNDS, BaselineBounds, block_of
from quantrac.domain.qa.window import Bools, Floats


class Block:
    """What holds for the readings of one block of a station."""

    def __init__(self, parameters: Mapping[str, Sequence[float]]) -> None:
        bounds = np.array(list(parameters.values()), dtype=np.float64).reshape(-1, len(BOUNDS))
        self._bounds = np.concatenate([bounds, _NOTHING])
        """(parameters + 1, 5), the last row for parameters of which nothing is known."""
        self._rows = {parameter: row for row, parameter in enumerate(parameters)}
        self._last: tuple[Sequence[str], Floats] = (), np.empty((0, len(BOUNDS)))

    def bounds(self, parameters: Sequence[str]) -> Floats:
        """Return the bounds of parameters (n, 5) in the order of ``blocks.BOUNDS``."""
        last_parameters, bounds = self._last
        if last_parameters is not parameters:
            bounds = self._bounds[[self._rows.get(code, -1) for code in parameters]]
            self._last = parameters, bounds  # a station's files mostly hold the same parameters
        return bounds


_NOTHING = np.full((1, len(BOUNDS)), np.nan)


class Baselines:
    """The current content of the ``baseline`` topic.

    Replaced station by station while the judge runs; reading needs no lock because a station's blocks are
    replaced whole.
    """

    def __init__(self) -> None:
        self._stations: dict[str, dict[int, Block]] = {}

    def put(self, station: str, blocks: Mapping[int, Mapping[str, Sequence[float]]]) -> None:
        """Replace what is known of a station: five bounds a parameter, NaN where too little is known.

        ``blocks`` goes by number of block (:func:`quantrac.domain.qa.baseline.blocks.block_of`); without any
        the station is taken out.
        """
        if blocks:
            self._stations[station] = {number: Block(parameters) for number, parameters in blocks.items()}
        else:
            self._stations.pop(station, None)

    def block(self, station: str, number: int) -> Block | None:
        """Return what holds for a block; ``None`` where nothing was published."""
        blocks = self._stations.get(station)
        return None if blocks is None else blocks.get(number)


class Lookup:
    """Gathers the bounds of the rows of a batch, file by file."""

    def __init__(self, baseline: Baselines) -> None:
        self._baseline = baseline
        self._parts = [np.empty((0, len(BOUNDS)))]
        self._missing = 0
        """Rows after the parts of which nothing is published."""
        self._counts: list[int] = []
        self._is_published: list[bool] = []

    def add(self, station: str, parameters: Sequence[str], times: Sequence[float], *, same: bool) -> None:
        """Add rows: their codes and times (seconds since 1970 UTC), ``same`` where they have but one."""
        if same:
            self._add(self._baseline.block(station, block_of(times[0])), parameters)
        else:
            for parameter, time in zip(parameters, times, strict=True):
                self._add(self._baseline.block(station, block_of(time)), (parameter,))

    def bounds(self) -> BaselineBounds:
        """Return the bounds of all rows (n,)."""
        self._add_missing()
        return BaselineBounds(*np.ascontiguousarray(np.concatenate(self._parts).T))

    def published(self) -> Bools:
        """Tell for which rows (n,) the bounds of their block are published."""
        return np.repeat(np.array(self._is_published, dtype=np.bool_), self._counts)

    def _add(self, block: Block | None, parameters: Sequence[str]) -> None:
        self._counts.append(len(parameters))
        self._is_published.append(block is not None)
        if block is None:
            self._missing += len(parameters)
        else:
            self._add_missing()
            self._parts.append(block.bounds(parameters))

    def _add_missing(self) -> None:
        if self._missing:
            self._parts.append(_NOTHING.repeat(self._missing, axis=0))
            self._missing = 0
