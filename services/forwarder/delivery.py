"""A delivery: flagged sets of one partition, one JSON object a line, named by what it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from quantrac.domain.ids import file_id
from quantrac.domain.readings import FlaggedSet
from quantrac.io.records import Record

MAX_SETS = 1_000
"""Sets of one delivery."""
MAX_BYTES = 4 << 20
"""Bytes of one delivery, uncompressed; compressed it is some ten times smaller."""


@dataclass(frozen=True, slots=True)
class DeliveryItem:
    """One flagged set with the message it came in."""

    record: Record
    flagged: FlaggedSet

    @property
    def line(self) -> bytes:
        """The message as it is, on one line: a raw line break in JSON can only be space between tokens."""
        return (self.record.value or b"").replace(b"\n", b" ")


@dataclass(frozen=True)
class Delivery:
    """The flagged sets of one request."""

    items: Sequence[DeliveryItem]

    @cached_property
    def body(self) -> bytes:
        """The sets, uncompressed."""
        return b"\n".join(item.line for item in self.items)

    @cached_property
    def id(self) -> str:
        """SHA-256 of the body."""
        return file_id(self.body)

    def halves(self) -> "tuple[Delivery, Delivery]":
        """Split a delivery of two sets or more in two, to find the set that the ministry refuses."""
        middle = len(self.items) // 2
        return Delivery(self.items[:middle]), Delivery(self.items[middle:])


def cut_deliveries(
    items: Sequence[DeliveryItem], *, max_sets: int = MAX_SETS, max_bytes: int = MAX_BYTES
) -> Iterator[Delivery]:
    """Cut a batch into deliveries of one partition each, in order of offset and bounded in size.

    A set that is larger than ``max_bytes`` is a delivery of its own.
    """
    by_partition = sorted(items, key=lambda item: (item.record.partition, item.record.offset))
    for _, partition_items in groupby(by_partition, key=lambda item: item.record.partition):
        pending: list[DeliveryItem] = []
        size = 0
        for item in partition_items:
            if pending and (len(pending) == max_sets or size + len(item.line) > max_bytes):
                yield Delivery(pending)
                pending, size = [], 0
            pending.append(item)
            size += len(item.line) + 1
        yield Delivery(pending)
