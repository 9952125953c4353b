"""What a receipt says of the sets themselves: a hash from which nobody needs the delivery's body.

A province keeps a row for each set and not the bodies of its deliveries. With the rows of a delivery anybody
can compute the hash again, so that its receipt proves years later which sets it is about.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class DeliveredSet(NamedTuple):
    """One set of a delivery that the ministry has."""

    line: int
    """Line of the delivery's body, counted from 1."""
    station: str
    file_id: str
    revision: int
    readings: int
    """How many readings it holds."""


def hash_contents(sets: Iterable[DeliveredSet]) -> str:
    """Return the SHA-256 (64 hex digits) of the sets that a ministry has of a delivery, in order of lines.

    It is that of one text line a set, in UTF-8 and ended by a line feed: line, station, file id, revision and
    number of readings, with a tab between each two.
    """
    digest = hashlib.sha256()
    for delivered in sorted(sets):
        digest.update(("\t".join(map(str, delivered)) + "\n").encode())
    return digest.hexdigest()
