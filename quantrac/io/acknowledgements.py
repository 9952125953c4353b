"""Acknowledges what a stream collected in the order of the offsets, whatever order it is processed in."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from quantrac.io.partitions import Partition
from quantrac.io.records import Record


class Acknowledgements:
    """The events of messages that are not acknowledged yet.

    The library (faust-streaming 0.15.3, ``Consumer._new_offset``) commits past a message that is not
    acknowledged in two cases: where the group has committed nothing yet, and where it is the only one between
    the last commit and what is acknowledged. So it is given no message before all those in front of it.
    """

    def __init__(self) -> None:
        self._events: dict[Partition, dict[int, Any]] = defaultdict(dict)
        """By offset."""
        self._done: dict[Partition, set[int]] = defaultdict(set)
        """Offsets of what is processed and waits for those in front of it."""

    def add(self, record: Record, event: Any) -> bool:
        """Note an event; tell whether it is new.

        After a rebalance the library hands out again what is not committed.
        """
        events = self._events[Partition(record.topic, record.partition)]
        is_new = record.offset not in events
        events[record.offset] = event
        return is_new

    def finish(self, records: Iterable[Record]) -> None:
        """Note messages as processed, and acknowledge what has nothing in front of it."""
        touched = set()
        for record in records:
            partition = Partition(record.topic, record.partition)
            if record.offset in self._events[partition]:
                self._done[partition].add(record.offset)
                touched.add(partition)
        for partition in touched:
            events, done = self._events[partition], self._done[partition]
            for offset in sorted(events):
                if offset not in done:
                    break
                events.pop(offset).ack()
                done.remove(offset)

    def retain(self, partitions: Collection[Partition]) -> None:
        """Forget the events of all other partitions."""
        for partition in self._events.keys() - set(partitions):
            del self._events[partition]
            self._done.pop(partition, None)
