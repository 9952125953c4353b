"""The data share of a station: how many readings were due, came, were flagged and delivered. Pure.

Every count stands in a sum, and the sums close: that is what makes them evidence. What each count means is
written in ``docs/data-share.md``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class DataShare:
    """Counts of one station over a span of time; the names are the columns of the view ``data_share``."""

    station: str
    """Station code; empty = files of no station."""
    # By the time at which readings were due.
    expected: int = 0
    present: int = 0
    absent: int = 0
    extra: int = 0
    stored: int = 0
    good: int = 0
    not_evaluated: int = 0
    suspect: int = 0
    fail: int = 0
    missing: int = 0
    confirmed: int = 0
    waiting: int = 0
    refused: int = 0
    undelivered: int = 0
    # By the time of receipt of the files.
    files: int = 0
    received: int = 0
    read: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Reason of a reject -> lines."""
    replaced: int = 0
    lost: int = 0
    unread_files: int = 0


COLUMNS = tuple(entry.name for entry in fields(DataShare))
"""The columns of the view, in order."""

_COUNTS = tuple(name for name in COLUMNS if name not in ("station", "reasons"))

SUMS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "expected": (("present", "absent"),),
    "stored": (
        ("present", "extra"),
        ("good", "not_evaluated", "suspect", "fail", "missing"),
        ("confirmed", "waiting", "refused", "undelivered"),
    ),
    "received": (("read", "rejected"),),
}
"""Count -> the parts that make it, one tuple for each way of dividing it. ``reasons`` make ``rejected``."""


def add_shares(first: DataShare, second: DataShare) -> DataShare:
    """Return the share of two spans of one station, of which one begins where the other ends.

    >>> add_shares(DataShare("A", read=2, reasons={"bad-time": 1}), DataShare("A", read=3)).read
    5
    """
    counts = {name: getattr(first, name) + getattr(second, name) for name in _COUNTS}
    reasons = dict(Counter(first.reasons) + Counter(second.reasons))
    return DataShare(first.station, **counts, reasons=reasons)


def find_faults(share: DataShare) -> list[str]:
    """Return what is wrong with a share, a sentence each: a sum that does not close, or what was lost here.

    >>> find_faults(DataShare("A", expected=12, present=9, absent=3, stored=9, good=9, undelivered=8))
    ['stored is 9, and confirmed + waiting + refused + undelivered is 8']
    """
    faults = [
        f"{total} is {getattr(share, total)}, and {' + '.join(parts)} is {summed}"
        for total, divisions in SUMS.items()
        for parts in divisions
        if (summed := sum(getattr(share, part) for part in parts)) != getattr(share, total)
    ]
    by_reason = sum(share.reasons.values())
    if by_reason != share.rejected:
        faults.append(f"rejected is {share.rejected}, and its reasons make {by_reason}")
    if share.lost:
        faults.append(f"{share.lost} readings that files gave are neither stored nor replaced")
    if share.unread_files:
        faults.append(f"{share.unread_files} files were received and not read")
    return faults
