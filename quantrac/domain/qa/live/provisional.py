"""Spans of time in which the flags of a set may still change, with the causes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from quantrac.domain.qa.window import Bools, Floats
from quantrac.domain.readings import Provisional, ProvisionalCause
from quantrac.domain.times import from_seconds, to_seconds

_FIRST = to_seconds(datetime.min.replace(tzinfo=UTC))
_LAST = to_seconds(datetime.max.replace(tzinfo=UTC, microsecond=0))


class ProvisionalSpans:
    """Collects spans by set; times are seconds since 1970 UTC."""

    def __init__(self, starts: Sequence[int]) -> None:
        """``starts`` (m + 1,) are the first rows of ``m`` sets, and the end of the last."""
        self._starts = starts
        self._spans: dict[int, list[tuple[float, float, ProvisionalCause]]] = {}

    def add(self, set_index: int, start: float, end: float, cause: ProvisionalCause) -> None:
        """Add a span ``[start, end)`` of one set."""
        self._spans.setdefault(set_index, []).append((start, end, cause))

    def add_rows(self, is_provisional: Bools, start: Floats, end: Floats, cause: ProvisionalCause) -> None:
        """Add the spans (n,) of those rows (n,) that are provisional, joined to one span a set."""
        if not is_provisional.any():
            return
        # (k,) the rows, the set of each, and which of them are the first of their set
        rows = np.flatnonzero(is_provisional)
        sets = np.searchsorted(self._starts, rows, side="right") - 1
        first = np.flatnonzero(np.concatenate([[True], sets[1:] != sets[:-1]]))
        earliest = np.minimum.reduceat(start[rows], first).tolist()
        latest = np.maximum.reduceat(end[rows], first).tolist()
        for set_index, set_start, set_end in zip(sets[first].tolist(), earliest, latest, strict=True):
            self.add(set_index, set_start, set_end, cause)

    def by_set(self) -> dict[int, Provisional]:
        """Return one span with all its causes for each set that has any, by index of the set."""
        return {
            set_index: Provisional(
                start=_from_seconds(min(start for start, _, _ in spans)),
                end=_from_seconds(max(end for _, end, _ in spans)),
                causes=sorted({cause for _, _, cause in spans}),
            )
            for set_index, spans in self._spans.items()
        }


@lru_cache(maxsize=4096)  # the spans of a country's files begin and end with the same blocks and hours
def _from_seconds(seconds: float) -> datetime:
    """Return the time (UTC), kept within what a ``datetime`` can hold."""
    return from_seconds(min(max(seconds, _FIRST), _LAST))
