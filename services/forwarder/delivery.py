"""A delivery: flagged sets of one partition, one JSON object a line, named by what it holds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from quantrac.domain.ids import file_id
from quantrac.io.content_encoding import compress_zstd
from quantrac.io.records import DeadLetter, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.set_heads import SetHead, decode_set_head

MAX_SETS = 1_000
"""Sets of one delivery."""
MAX_BYTES = 4 << 20
"""Bytes of one delivery, uncompressed; compressed it is some ten times smaller."""


@dataclass(frozen=True, slots=True)
class DeliveryItem:
    """One flagged set with the message it came in."""

    record: Record
    flagged: SetHead
    """Of the set, what its receipt names."""

    @property
    def line(self) -> bytes:
        """The message as it is, on one line: a raw line break in JSON can only be space between tokens."""
        return (self.record.value or b"").replace(b"\n", b" ")


def read_item(record: Record) -> DeliveryItem | DeadLetter | None:
    """Return the set of a message, or why it is none; ``None`` for one without a station.

    Every set of a known station is delivered, one with rejects only and a revision as well, so that counts
    and flags match on both sides. One without stays in the province until it is assigned. Of a set only its
    head is read: the ministry reads all of it, and rejects what is wrong.
    """
    try:
        head = decode_set_head(record.value or b"")
    except BadMessage as error:
        return DeadLetter(record, f"not a flagged set: {error}")
    return DeliveryItem(record, head) if head.station else None


@dataclass(frozen=True)
class Delivery:
    """The flagged sets of one request."""

    items: Sequence[DeliveryItem]

    @cached_property
    def body(self) -> bytes:
        """The sets, uncompressed."""
        return b"\n".join(item.line for item in self.items)

    @cached_property
    def zstd_body(self) -> bytes:
        """The body as it travels: zstd."""
        return compress_zstd(self.body)

    @cached_property
    def id(self) -> str:
        """SHA-256 of the body."""
        return file_id(self.body)

    def halves(self) -> "tuple[Delivery, Delivery]":
        """Split a delivery of two sets or more in two, to find the set that the ministry refuses."""
        middle = len(self.items) // 2
        return Delivery(self.items[:middle]), Delivery(self.items[middle:])


def cut_deliveries(
    items: Iterable[DeliveryItem], *, max_sets: int = MAX_SETS, max_bytes: int = MAX_BYTES
) -> Iterator[Delivery]:
    """Cut the sets of one partition, in order of offset, into deliveries that are bounded in size.

    No more than a delivery is read ahead. A set that is larger than ``max_bytes`` is a delivery of its own.
    """
    pending: list[DeliveryItem] = []
    size = 0
    for item in items:
        if pending and (len(pending) == max_sets or size + len(item.line) > max_bytes):
            yield Delivery(pending)
            pending, size = [], 0
        pending.append(item)
        size += len(item.line) + 1
    if pending:
        yield Delivery(pending)
