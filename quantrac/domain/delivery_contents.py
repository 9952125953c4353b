"""What a receipt says of the sets themselves: a hash from which nobody needs the delivery's body.

A province keeps the list of the sets and not the bodies of its deliveries. From the list anybody can compute
the hash again, so that a receipt proves years later which sets it is about.
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


def write_contents(sets: Iterable[DeliveredSet]) -> str:
    r"""Write the sets that a ministry has of a delivery: one line each, in order, with tabs.

    >>> write_contents([DeliveredSet(1, "HN_KHI", "0f", 0, 15)])
    '1\tHN_KHI\t0f\t0\t15\n'
    """
    return "".join("\t".join(map(str, delivered)) + "\n" for delivered in sorted(sets))


def read_contents(text: str) -> list[DeliveredSet]:
    """Read what :func:`write_contents` has written."""
    rows = (line.split("\t") for line in text.splitlines())
    return [
        DeliveredSet(int(line), station, file_id, int(revision), int(readings))
        for line, station, file_id, revision, readings in rows
    ]


def hash_contents(sets: Iterable[DeliveredSet]) -> str:
    """Return the SHA-256 (64 hex digits) of :func:`write_contents` in UTF-8, which a receipt states."""
    return hashlib.sha256(write_contents(sets).encode()).hexdigest()
