"""What a stream has collected and not processed, and what of it comes next."""

from collections.abc import Callable, Sequence
from typing import Protocol

from quantrac.io.records import Record

# More than the country's stations: past that the stream waits, and Kafka keeps the rest.
_LARGEST_BATCH = 5_000


class WorkQueue(Protocol):
    """Messages that wait, and the order they are processed in; for one thread at a time."""

    def put(self, record: Record) -> None:
        """Take a message in."""
        ...

    def take(self) -> Sequence[Record]:
        """Return what is to be processed together now; empty = nothing waits.

        These need not be whole messages as they came. What was taken before and not finished waits again.
        """
        ...

    def finish(self) -> Sequence[Record]:
        """Note that what was taken is processed; returns the messages of which nothing waits any more.

        Their topic, partition and offset count, not their value.
        """
        ...

    def retain(self, is_retained: Callable[[Record], bool]) -> None:
        """Forget all other messages: they are another member's by now."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether :meth:`take` left something for the next time."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether no more messages are to be taken in for now."""
        ...


class WholeQueue:
    """Everything at once, in the order it came."""

    def __init__(self) -> None:
        self._waiting: list[Record] = []
        self._batch_size = 0

    def put(self, record: Record) -> None:
        """Take a message in."""
        self._waiting.append(record)

    def take(self) -> Sequence[Record]:
        """Return all messages."""
        self._batch_size = len(self._waiting)
        return list(self._waiting)

    def finish(self) -> Sequence[Record]:
        """Return the messages that were taken."""
        done, self._waiting = self._waiting[: self._batch_size], self._waiting[self._batch_size :]
        self._batch_size = 0
        return done

    def retain(self, is_retained: Callable[[Record], bool]) -> None:
        """Forget all other messages."""
        self._batch_size = sum(map(is_retained, self._waiting[: self._batch_size]))
        self._waiting = list(filter(is_retained, self._waiting))

    @property
    def has_more(self) -> bool:
        """Return false: all are taken."""
        return False

    @property
    def is_full(self) -> bool:
        """Whether there are so many that the stream waits."""
        return len(self._waiting) >= _LARGEST_BATCH
