"""Averages as they are answered."""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.api.common.answers import AnswerModel, Row


class Average(AnswerModel):
    """The average of one parameter over one period.

    A reading counts in the hour of the middle of what it is the mean of (`/stations/{code}`, `stamps`).
    Of a counter (`parameters`, `counter`) each reading counts as what the sum grew by since the one before.
    """

    station: str
    parameter: str
    """Catalogue code."""
    period: Literal["hour", "8h", "day", "month", "year"]
    """Length of the period; day, month and year are Vietnam's (UTC+7)."""
    starts_at: datetime
    """Inclusive, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""
    starts_at_local: datetime
    """On the station's clock."""
    ends_at_local: datetime
    """On the station's clock."""
    unit: str
    """Unit of `mean`, `minimum` and `maximum`."""
    mean: float | None
    """Of the members that count (readings of an hour, hours of 8 h and a day, days of a month and a year);
    null when none does."""
    minimum: float | None
    maximum: float | None
    count: int
    """Members that count; of an hour the readings flagged good."""
    received: int
    """All readings of the period, whatever their flag; 0 where the registry has come to count them in other
    periods since."""
    expected: int
    """Members there could be: readings by the station's interval, or hours, or days."""
    completeness: float
    """`count / expected`."""
    version: int
    """Counts up when late or corrected data give the same period another result."""
    computed_at: datetime
    """UTC."""
    total: float | None
    """Sum of the members where values are added up, as rain is; else null."""
    sd: float | None
    """Standard deviation (n - 1) of the members; null below two."""
    p05: float | None
    """5th percentile of the members, linear between two; null of a direction."""
    p25: float | None
    """25th percentile."""
    p50: float | None
    """Median."""
    p75: float | None
    """75th percentile."""
    p95: float | None
    """95th percentile."""
    p98: float | None
    """98th percentile."""
    good: int
    """Readings of the period, whatever its length, that are flagged good."""
    not_evaluated: int
    """Readings flagged not evaluated."""
    suspect: int
    """Readings flagged suspect."""
    fail: int
    """Readings flagged fail."""
    missing: int
    """Readings flagged missing."""
    qualified: int
    """Readings beyond a limit of the method, whatever their flag; one below it counts as a share of it."""
    complete: bool
    """Whether enough members count for it to be a member of a longer period."""


class Averages(AnswerModel):
    """A page of averages."""

    items: list[Average]
    next: str | None
    """Link to the next page; null on the last."""


def present_average(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """Present a row of ``averages`` as :class:`Average`."""
    return {
        **row,
        "starts_at_local": row["starts_at"].astimezone(zone),
        "ends_at_local": row["ends_at"].astimezone(zone),
        "complete": bool(row["complete"]),
    }
