"""Data shares as they are answered."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import Field

from quantrac.domain import data_share as domain
from services.api.common.answers import AnswerModel


class DataShare(AnswerModel):
    """What was expected of a station in a span of time, what came, and what the ministry has of it.

    A reading counts at the time at which it was due (`grid_at` of `/readings`), one that was not expected at
    its stamp. From `files` on, all counts are of the files received in the span, whatever they hold.
    """

    station: str
    expected: int
    """Readings that were due by the registry, one for each parameter and step of the interval, until now."""
    present: int
    """Due readings that are stored."""
    absent: int
    """Due readings that are not stored: `expected = present + absent`."""
    extra: int
    """Readings stored beyond those present: a second one for a due time, or one that was not due."""
    stored: int
    """Readings stored: `stored = present + extra`."""
    good: int
    """Readings flagged good: `stored = good + not_evaluated + suspect + fail + missing`."""
    not_evaluated: int
    """Readings flagged not evaluated."""
    suspect: int
    """Readings flagged suspect."""
    fail: int
    """Readings flagged fail."""
    missing: int
    """Readings flagged missing: their parameter was withdrawn, or a person decided so."""
    confirmed: int
    """Readings that the ministry has as they stand here, value and flag:
    `stored = confirmed + waiting + refused + undelivered`."""
    waiting: int
    """Readings that the ministry has and keeps until it approves the station."""
    refused: int
    """Readings that the ministry rejected."""
    undelivered: int
    """Readings that the ministry has not yet as they stand here."""
    files: int
    """Files received and read."""
    received: int
    """What these files held: `received = read + rejected`."""
    read: int
    """Readings that they gave."""
    rejected: int
    """Lines that gave none."""
    reasons: dict[str, int] = Field(examples=[{"value-not-a-number": 2}])
    """Stable code of the reason of a reject -> lines; together they are `rejected`."""
    replaced: int
    """Readings of the files that another file has given again since."""
    lost: int
    """Readings of the files that are neither stored nor replaced; but for 0, a fault of this system."""
    unread_files: int
    """Files received and not read yet."""
    faults: list[str]
    """What is wrong, a sentence each: a sum that does not close, or what was lost here. Empty = nothing."""

    @classmethod
    def from_domain(cls, share: domain.DataShare) -> Self:
        """Present a share."""
        return cls(**asdict(share), faults=domain.find_faults(share))


class DataShares(AnswerModel):
    """A page of data shares, by station."""

    starts_at: datetime
    """Inclusive, UTC."""
    ends_at: datetime
    """Exclusive, UTC; now at the latest."""
    unassigned_files: int | None
    """Files received in the span that belong to no station, from accounts that may send for the stations of
    the page; null to a key for provinces or stations, which is for no such files."""
    items: list[DataShare]
    next: str | None
    """Link to the next page; null on the last."""
