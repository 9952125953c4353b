"""What a stamp says of the time that a reading is the mean of.

Most readings are means of their interval, and loggers stamp them with its start or with its end. A reading
counts in the hour and the day of the *middle* of what was averaged. So the same mean counts in the same hour
whichever end its stamp names, and neither a clock that is some seconds off nor steps that do not begin with
the hour move it into the next one. An instant is its own middle.

Times are seconds since 1970, UTC. What is stored stays the stamp as the station wrote it.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from quantrac.domain.times import HOUR

if TYPE_CHECKING:  # see quantrac.domain.times
    from numpy.typing import NDArray

_Seconds = TypeVar("_Seconds", int, float, "NDArray[Any]")


class Stamps(StrEnum):
    """Which time of what was averaged the stamps of a station name."""

    INSTANT = "instant"
    """That of a single measurement, or nobody has said what was averaged."""
    START = "start"
    END = "end"


class MiddleOffset(NamedTuple):
    """How far from stamps within a span of time the middle of what was averaged lies."""

    start: int
    """First stamp, inclusive."""
    end: int
    """Exclusive."""
    seconds: int
    """Below 0 where the middle comes before the stamp."""


def start_offset(stamps: Stamps, length: int) -> int:
    """Return the seconds from a stamp to the start of the ``length`` seconds that were averaged."""
    return -length if stamps is Stamps.END else 0


def middle_offset(stamps: Stamps, length: int) -> int:
    """Return the seconds from a stamp to the middle of the ``length`` seconds that were averaged.

    >>> middle_offset(Stamps.END, 3600), middle_offset(Stamps.START, 300), middle_offset(Stamps.INSTANT, 300)
    (-1800, 150, 0)
    """
    return 0 if stamps is Stamps.INSTANT else start_offset(stamps, length) + length // 2


def middles(stamps: _Seconds, offsets: Sequence[MiddleOffset]) -> _Seconds:
    """Return the middles of what readings with these stamps, one or an array, are the means of.

    ``offsets`` do not overlap; outside of them a stamp is its own middle.

    >>> middles(1774459800, [MiddleOffset(0, 2_000_000_000, -1800)])
    1774458000
    """
    return stamps + sum(
        offset.seconds * ((offset.start <= stamps) & (stamps < offset.end)) for offset in offsets
    )


def hours_of_stamps(start: int, end: int, offsets: Sequence[MiddleOffset]) -> set[int]:
    """Return the starts of the hours in which readings stamped within ``[start, end)`` can count.

    >>> sorted(hours_of_stamps(2 * HOUR, 3 * HOUR, [MiddleOffset(0, 10 * HOUR, -1800)]))
    [3600, 7200]
    """
    cuts = {cut for offset in offsets for cut in (offset.start, offset.end) if start < cut < end}
    hours: set[int] = set()
    for low, high in pairwise([start, *sorted(cuts), end]):
        first = middles(low, offsets)
        hours.update(range(first // HOUR * HOUR, first + high - low, HOUR))
    return hours
