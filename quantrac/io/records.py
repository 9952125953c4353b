"""What moves through a topic, and the three ways a message can end.

A handler returns :class:`Done` (some messages may be dead letters) or :class:`NotNow`. Anything else it does,
it does by raising: the runner then isolates the message that raises (:class:`BadData` says why in a
sentence), or the process crashes and starts again from the last commit.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from quantrac.io.partitions import Offsets


class BadData(Exception):
    """A message holds what can never be processed; the text is a sentence for a person."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One message, consumed or to be produced.

    There are two of them a file and stage, so they are a struct: 0.2 µs to make, a frozen dataclass 2.5 µs.
    """

    topic: str
    key: bytes
    value: bytes | None
    """``None`` deletes the key in a compacted topic."""
    headers: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    partition: int = -1
    """Set on consumed messages; -1 lets the partitioner choose by key."""
    offset: int = -1
    produced_at: float | None = None
    """Seconds since 1970, by the producer's clock; set on consumed messages."""

    @property
    def origin(self) -> tuple[str, int, int]:
        """Topic, partition and offset of a consumed message: what names it in a log."""
        return self.topic, self.partition, self.offset


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never be processed, with the reason a person will read."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nothing of the batch was done; pause and hand in the same batch again."""

    reason: str
    retry_after: float
    """Seconds to wait."""
    is_usual: bool = False
    """Whether it is part of normal work and passes by itself: the log tells of it only once it lasts."""


@dataclass(frozen=True, slots=True)
class Done:
    """The whole batch is dealt with: produce these, then commit."""

    records: Sequence[Record] = ()
    dead: Sequence[DeadLetter] = ()
    after: Sequence[Callable[[], NotNow | None]] = ()
    """Done in order between the last confirmation and the commit: what may be stored only once the
    messages that follow from it are written. "Not now" hands in the whole batch again."""


class Handler(Protocol):
    """The step in the middle: decides, and touches no socket of its own."""

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Decide about one batch, in order of partition and offset."""
        ...


class Consumer(Protocol):
    """A member of a consumer group."""

    def consume(self, limit: int, timeout: float) -> list[Record]:
        """Return up to ``limit`` messages, waiting up to ``timeout`` seconds for the first."""
        ...

    def commit(self, batch: Sequence[Record]) -> bool:
        """Commit the offset after the last message of each partition; tell whether it was accepted.

        A commit that is refused leaves the batch to the member that its partitions are assigned to next.
        """
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Stay in the group without taking messages, for ``seconds`` or until soon after ``stop`` is set."""
        ...

    def filter_assigned(self, batch: Sequence[Record]) -> list[Record]:
        """Return the messages of ``batch`` whose partitions are still assigned to this member."""
        ...

    def find_unread(self) -> Offsets | None:
        """Return the positions in the assigned partitions that this member has not read to their end.

        ``None`` while the broker does not answer. A partition that is put off on purpose is none of them.
        """
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Producer(Protocol):
    """Writes messages; nothing counts as written before :meth:`flush` returns."""

    def produce(self, records: Sequence[Record]) -> None:
        """Hand over messages for sending."""
        ...

    def flush(self) -> None:
        """Wait until every message is confirmed; raises ``DeliveryFailed`` if one message was not written."""
        ...


class DeliveryFailed(Exception):
    """The broker did not confirm a message; nothing may be committed."""
