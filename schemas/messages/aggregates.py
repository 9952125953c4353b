"""``window-dirty`` and ``aggregated``: which averages must be redone, and what they became."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.messages.base import MeasuredAt, Message, ParameterCode, StationCode, Utc


class DirtyWindows(Message):
    """Hours that new rows have touched: each of the hours, of each of the parameters."""

    parameters: Annotated[list[ParameterCode], Field(min_length=1)]
    hours: Annotated[list[MeasuredAt], Field(min_length=1)]
    """Starts of the hours, UTC."""


class WindowDirty(Message):
    """The hours of one station that one batch of the sink touched."""

    station: StationCode
    windows: Annotated[list[DirtyWindows], Field(min_length=1)]
    """One entry for all hours in which the same parameters were touched."""


class Average(Message):
    """One average of one parameter over one period."""

    parameter: str
    unit: str
    period: Literal["hour", "8h", "day", "month", "year"]
    """Day, month and year are Vietnam's (UTC+7)."""
    starts_at: Utc
    """Inclusive, UTC."""
    ends_at: Utc
    """Exclusive, UTC."""
    mean: float | None
    """Of the members that count: readings of an hour, hours of 8 h and a day, days of a month and a year;
    ``None`` when none does."""
    minimum: float | None
    maximum: float | None
    count: Annotated[int, Field(ge=0)]
    """Members that count."""
    received: Annotated[int, Field(ge=0)]
    """All readings of the period, whatever their flag."""
    expected: Annotated[int, Field(ge=1)]
    """Members there could be: readings by the station's interval of then, or hours, or days."""
    completeness: Annotated[float, Field(ge=0)]
    """``count / expected``."""
    version: Annotated[int, Field(ge=1)]
    """Counts up each time the same period gives another result."""
    total: float | None = None
    """Sum of the members where values are added up, as rain is."""
    sd: float | None = None
    """Standard deviation (n - 1) of the members; of an angle after Yamartino."""
    complete: bool = True
    """Whether enough members count for it to be a member of a longer period."""


class Index(Message):
    """One index of a station that the registry lets publish."""

    kind: Literal["VN_AQI", "VN_WQI"]
    """Of air (Decision 1459/QĐ-TCMT) or of water; Decision 1460/QĐ-TCMT speaks of periodic samples, so a
    VN_WQI of automatic data is outside it."""
    period: Literal["hour", "day"]
    """The day is Vietnam's (UTC+7)."""
    starts_at: Utc
    """Inclusive, UTC."""
    ends_at: Utc
    """Exclusive, UTC."""
    value: int | None
    """``None`` where the decision gives none."""
    level: str
    """English name; empty without an index."""
    responsible: list[str]
    """Parameters that give it: of VN_AQI the highest, of VN_WQI the lowest sub-index."""
    subindices: dict[str, float]
    """Sub-index of each parameter; indices made of other parameters are not to be compared."""
    version: Annotated[int, Field(ge=1)]
    """Counts up each time the same period gives another result, or the same one by another formula."""
    formula: Literal[3, 4, 5] | None = None
    """Of VN_WQI, the formula of Decision 1460/QĐ-TCMT that gave it: 3 groups IV and V weigh the same, 4 group
    IV alone, 5 group IV twice, where organic pollution needs attention; ``None`` = VN_AQI or no index."""


class Exceedance(Message):
    """One episode: consecutive complete averages beyond one limit."""

    parameter: str
    period: Literal["hour", "8h", "day", "month", "year"]
    """Of the averages that were judged."""
    standard: str
    """Such as ``QCVN 40:2011/BTNMT``, or the permit's number."""
    column: str
    minimum: float | None
    """The limit, coefficients multiplied in; an average below it is beyond."""
    maximum: float | None
    """An average above it is beyond."""
    unit: str
    starts_at: Utc
    """Start of the first average beyond the limit, UTC."""
    ends_at: Utc
    """End of the last one, UTC."""
    periods: Annotated[int, Field(ge=0)]
    """Averages beyond the limit; 0 = withdrawn: data that changed since leave nothing of it."""
    peak: float
    """The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one."""
    peak_at: Utc
    """Start of its period, UTC."""
    ratio: float
    """Peak to limit; of a minimum limit to peak."""
    open: bool
    """Whether no later complete average within the limit is known."""
    version: Annotated[int, Field(ge=1)]
    """Counts up each time the same episode (series, limit and start) comes out otherwise."""


class Aggregated(Message):
    """Averages, indices or exceedances of one station that changed together; of averages hours, and what is
    over."""

    station: StationCode
    computed_at: Utc
    averages: list[Average]
    indices: tuple[Index, ...] = ()
    exceedances: tuple[Exceedance, ...] = ()
