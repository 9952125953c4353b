"""Which stations have sets on ``unapproved-set`` that were not released yet, and where."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quantrac.io.records import Record


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """Where the sets of one station stand; between them stand those of others."""

    station: str
    partition: int
    first: int
    """Offset of the first one."""
    last: int
    """Offset of the last one."""


class KeptSets:
    """The spans of all stations, as the topic's reader hands over one message after the other."""

    def __init__(self, first_offset: Callable[[str], int]) -> None:
        """``first_offset`` returns the offset from which sets of a station may wait."""
        self._first_offset = first_offset
        self._spans: dict[str, KeptSpan] = {}
        self._lock = threading.Lock()

    def apply(self, record: Record) -> None:
        """Note a message of the topic; one that was released, or is read again, changes nothing."""
        station = record.key.decode()
        with self._lock:
            if record.offset < self._first_offset(station):
                return
            span = self._spans.get(station)
            first = record.offset if span is None else min(span.first, record.offset)
            last = record.offset if span is None else max(span.last, record.offset)
            self._spans[station] = KeptSpan(station, record.partition, first, last)

    def list_spans(self, is_due: Callable[[str], bool]) -> Sequence[KeptSpan]:
        """Return the spans of the stations that are due."""
        with self._lock:
            return [span for station, span in self._spans.items() if is_due(station)]

    def drop(self, span: KeptSpan) -> None:
        """Forget a span that was released; what came behind it meanwhile stays."""
        with self._lock:
            present = self._spans.pop(span.station)
            if present.last > span.last:
                self._spans[span.station] = KeptSpan(
                    span.station, span.partition, span.last + 1, present.last
                )
