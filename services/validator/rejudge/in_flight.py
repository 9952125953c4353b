"""Revisions on their way: written to the topic, but perhaps not stored yet."""

from collections.abc import Callable, Collection, Iterable

from quantrac.io.partitions import Offsets


class InFlight:
    """Knows whose revisions may be written but not stored: judged by what is stored, they would be missed."""

    def __init__(self, ends: Callable[[], Offsets | None], committed: Callable[[], Offsets | None]) -> None:
        """``ends`` returns where the flagged sets' topic ends, ``committed`` how far it is stored.

        Both return ``None`` while that cannot be known.
        """
        self._ends, self._committed = ends, committed
        self._stations: set[str] = set()
        self._any_station = True
        self._goal: Offsets | None = None

    def doubt(self) -> None:
        """Take every station's revisions as possibly not stored: another process may have sent some."""
        self._any_station, self._goal = True, None

    def add(self, stations: Iterable[str]) -> None:
        """Note for whom revisions, or bounds that sets on their way lack, have just been written."""
        self._stations.update(stations)
        self._goal = None

    def is_stored(self, stations: Collection[str]) -> bool:
        """Tell whether everything written of these stations is stored."""
        if not self._any_station and self._stations.isdisjoint(stations):
            return True
        self._goal = self._ends() if self._goal is None else self._goal
        committed = self._committed() if self._goal is not None else None
        if self._goal is None or committed is None:
            return False
        if any(committed.get(partition, 0) < end for partition, end in self._goal.items()):
            return False
        self._stations.clear()
        self._any_station, self._goal = False, None
        return True
