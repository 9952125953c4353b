"""A delivery: flagged sets of one partition, one JSON object a line, named by what it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from quantrac.domain.ids import file_id
from quantrac.domain.readings import FlaggedSet
from quantrac.io.records import Record

MAX_SETS = 1_000
MAX_BYTES = 4 << 20
"""Uncompressed; some ten times less goes over the line."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One flagged set with the message it came in."""

    record: Record
    flagged: FlaggedSet

    @property
    def line(self) -> bytes:
        """The message as it is, on one line: a raw line break in JSON can only be space between tokens."""
        return (self.record.value or b"").replace(b"\n", b" ")


@dataclass(frozen=True)
class Delivery:
    """The body of one request."""

    parcels: Sequence[Parcel]

    @cached_property
    def body(self) -> bytes:
        """The sets, uncompressed."""
        return b"\n".join(parcel.line for parcel in self.parcels)

    @cached_property
    def id(self) -> str:
        """SHA-256 of the body."""
        return file_id(self.body)

    def halves(self) -> "tuple[Delivery, Delivery]":
        """Split in two, to find the set that spoils it; the delivery holds two sets or more."""
        middle = len(self.parcels) // 2
        return Delivery(self.parcels[:middle]), Delivery(self.parcels[middle:])


def cut(
    parcels: Sequence[Parcel], *, max_sets: int = MAX_SETS, max_bytes: int = MAX_BYTES
) -> Iterator[Delivery]:
    """Cut a batch into deliveries of one partition each, in order of offset and bounded in size.

    A set that alone is larger than ``max_bytes`` travels alone.
    """
    by_partition = sorted(parcels, key=lambda parcel: (parcel.record.partition, parcel.record.offset))
    for _, of_partition in groupby(by_partition, key=lambda parcel: parcel.record.partition):
        taken: list[Parcel] = []
        size = 0
        for parcel in of_partition:
            if taken and (len(taken) == max_sets or size + len(parcel.line) > max_bytes):
                yield Delivery(taken)
                taken, size = [], 0
            taken.append(parcel)
            size += len(parcel.line) + 1
        yield Delivery(taken)
