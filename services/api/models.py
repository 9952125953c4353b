"""What the API answers. Every time stands in UTC; ``*_local`` is the same moment on the station's clock."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.limits import Applied
from quantrac.domain.registry import stations as domain
from quantrac.domain.registry.decisions import Decision as PersonsDecision
from schemas.messages.alerts import AlertKind
from services.api.plain import flag_name

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""When the registry decided, in its own records."""


class Model(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Parameter(Model):
    """One parameter that a station measures."""

    code: str
    """Catalogue code, such as `PM2.5`."""
    name: str
    """English name; the code where the catalogue has none."""
    name_vi: str
    """Vietnamese name; the code where the catalogue has none."""
    unit: str
    """Unit the values are kept in; empty = dimensionless."""
    range_low: float | None
    """Lower end of the equipment range, in `unit`."""
    range_high: float | None
    """Upper end of the equipment range, in `unit`."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""

    @classmethod
    def of(cls, entry: domain.StationParameter) -> Self:
        """Present an entry of the registry."""
        known = find_parameter(entry.code)
        return cls(
            code=entry.code,
            name=known.name if known else entry.code,
            name_vi=known.name_vi if known else entry.code,
            unit=entry.unit,
            range_low=entry.range_low,
            range_high=entry.range_high,
            valid_from=entry.valid_from,
            valid_to=entry.valid_to,
        )


class Station(Model):
    """One automatic station."""

    code: str = Field(examples=["HN_BKHN_KHIKXQ"])
    name: str
    """Vietnamese name."""
    name_en: str
    """English name; may be empty."""
    type: domain.StationType
    """What it measures."""
    province: str = Field(examples=["01"])
    """Two-digit code of Decision 19/2025/QĐ-TTg."""
    latitude: float
    """Degrees, WGS 84."""
    longitude: float
    """Degrees, WGS 84."""
    interval_seconds: int
    """Distance between two readings of a parameter."""
    timezone: str
    """IANA name of the station's clock."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""

    @classmethod
    def of(cls, station: domain.Station, **more: Any) -> Self:
        """Present a station of the registry."""
        return cls(**{name: getattr(station, name) for name in Station.model_fields}, **more)


class StationDetail(Station):
    """One automatic station with what it measures."""

    aliases: list[str]
    """Other codes that its file names carry."""
    parameters: list[Parameter]


class Stations(Model):
    """A page of stations, by code."""

    items: list[Station]
    next: str | None
    """Link to the next page; null on the last."""


class Reading(Model):
    """One value of one parameter at one time."""

    station: str
    parameter: str
    """Catalogue code."""
    value: float
    """In `unit`."""
    text: str
    """The value as it stood in the file, before any conversion of its unit."""
    unit: str
    """Unit of `value`; empty = dimensionless."""
    measured_at: datetime
    """UTC, seconds as sent."""
    measured_at_local: datetime
    """On the station's clock."""
    grid_at: datetime
    """The step of the station's interval that it is nearest to, UTC."""
    status: str
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error."""
    flag: int
    """QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing; the worst of `tests`, or a decision."""
    flag_name: str = Field(examples=["good"])
    """The flag in words."""
    tests: dict[str, int]
    """Outcome of each quality test, as a QARTOD flag."""
    rules: str
    """Version of the rule set that judged it."""
    received_at: datetime
    """When the whole file was here, UTC."""
    line: int
    """Line in the file, from 1."""


class Readings(Model):
    """A page of readings."""

    items: list[Reading]
    next: str | None
    """Link to the next page; null on the last."""


class StationLatest(Model):
    """The latest reading of each parameter of one station."""

    station: str
    items: list[Reading]
    """By parameter."""


class Average(Model):
    """The average of one parameter over one period."""

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
    """All readings of the period, whatever their flag."""
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
    complete: bool
    """Whether enough members count for it to be a member of a longer period."""


class Averages(Model):
    """A page of averages."""

    items: list[Average]
    next: str | None
    """Link to the next page; null on the last."""


class Level(Model):
    """A level of air or water quality, as it is shown to the public."""

    name: str = Field(examples=["moderate"])
    """English name."""
    name_vi: str = Field(examples=["Trung bình"])
    """Vietnamese name."""
    colour: str = Field(examples=["yellow"])
    """English name of its colour."""
    colour_vi: str = Field(examples=["vàng"])
    """Vietnamese name of its colour."""
    rgb: str = Field(examples=["#ffff00"])
    """The colour."""
    unverified: str
    """What about these names and this colour stands in no source."""


class Index(Model):
    """An index of one station over one period."""

    station: str
    kind: Literal["VN_AQI", "VN_WQI"]
    """Of air (Decision 1459/QĐ-TCMT) or of water (Decision 1460/QĐ-TCMT)."""
    period: Literal["hour", "day"]
    """Length of the period; the day is Vietnam's (UTC+7)."""
    starts_at: datetime
    """Inclusive, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""
    starts_at_local: datetime
    """On the station's clock."""
    ends_at_local: datetime
    """On the station's clock."""
    value: int | None
    """The index; null where the decision gives none."""
    level: Level | None
    """The level that it lies in; null without an index."""
    responsible: list[str]
    """Parameters that give it: of VN_AQI the highest, of VN_WQI the lowest sub-index."""
    subindices: dict[str, float]
    """Sub-index of each parameter."""
    version: int
    """Counts up when late or corrected data give the same period another result."""
    computed_at: datetime
    """UTC."""


class Indices(Model):
    """A page of indices."""

    items: list[Index]
    next: str | None
    """Link to the next page; null on the last."""


class Limit(Model):
    """A limit as it applies to a station: coefficients are multiplied in."""

    parameter: str
    """Catalogue code."""
    period: Literal["hour", "8h", "day", "month", "year"]
    """Of the averages that are judged."""
    unit: str
    """Unit of the limit."""
    standard: str = Field(examples=["QCVN 40:2011/BTNMT"])
    """The standard, or the number of the permit that states the limit."""
    column: str = Field(examples=["A"])
    """Column of the standard; empty where it has none."""
    coefficients: dict[str, float]
    """What the standard's value was multiplied by, such as Kq and Kf."""
    minimum: float | None
    """An average below it is beyond the limit; null = none."""
    maximum: float | None
    """An average above it is beyond the limit; null = none."""
    reference_oxygen: float | None
    """Volume percent of oxygen that averages are corrected to before they are judged; null = none."""
    source: str
    """Where the figure was read."""
    certainty: Literal["high", "medium", "low", "unverified"]
    """How sure the figure is: read in the text itself, in a secondary source, in a weak one, or in none."""

    @classmethod
    def of(cls, applied: Applied) -> Self:
        """Present a limit with how it came about."""
        return cls(**asdict(applied.limit), coefficients=dict(applied.factors))


class Limits(Model):
    """What applied to a station at one time."""

    station: str
    at: datetime
    """Start of the average that they judge, UTC."""
    items: list[Limit]
    """By parameter and period; empty where nothing names a limit."""


class Exceedance(Model):
    """One episode: consecutive complete averages beyond one limit."""

    station: str
    parameter: str
    """Catalogue code."""
    period: Literal["hour", "8h", "day", "month", "year"]
    """Of the averages that were judged."""
    standard: str = Field(examples=["QCVN 40:2011/BTNMT"])
    """The standard, or the number of the permit that states the limit."""
    column: str = Field(examples=["A"])
    """Column of the standard; empty where it has none."""
    minimum: float | None
    """Limit that the average must not be below, coefficients multiplied in; null = none."""
    maximum: float | None
    """Limit that the average must not be above, coefficients multiplied in; null = none."""
    unit: str
    """Unit of the limit and of `peak`."""
    starts_at: datetime
    """Start of the first average beyond the limit, UTC."""
    ends_at: datetime
    """End of the last one, UTC."""
    starts_at_local: datetime
    """On the station's clock."""
    ends_at_local: datetime
    """On the station's clock."""
    periods: int
    """Consecutive averages beyond the limit."""
    peak: float
    """The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one."""
    peak_at: datetime
    """Start of its period, UTC."""
    ratio: float
    """Peak to maximum, or minimum to peak."""
    open: bool
    """Whether no later complete average within the limit is known."""
    version: int
    """Counts up when the same episode comes out otherwise."""
    computed_at: datetime
    """UTC."""


class Exceedances(Model):
    """A page of exceedances."""

    items: list[Exceedance]
    next: str | None
    """Link to the next page; null on the last."""


class Alert(Model):
    """Something a duty officer should know, in its present state."""

    alert_id: str
    """The same from its opening to its end, and in what is sent out about it."""
    kind: AlertKind
    """What is wrong."""
    severity: Literal["info", "warning", "critical"]
    """How much it matters."""
    state: Literal["opened", "updated", "closed"]
    """Opened and updated are open."""
    version: int
    """Counts its states."""
    station: str
    parameter: str | None
    """Catalogue code; null = the whole station."""
    opened_at: datetime
    """When the cause began to hold, by the data, UTC."""
    opened_at_local: datetime
    """On the station's clock."""
    changed_at: datetime
    """When this state came about, UTC."""
    detail: str
    """One sentence."""
    facts: dict[str, str]
    """What the sentence is made of; times ISO 8601 in UTC."""


class Alerts(Model):
    """A page of alerts."""

    items: list[Alert]
    next: str | None
    """Link to the next page; null on the last."""


class File(Model):
    """One received file."""

    id: str
    """SHA-256 of its bytes."""
    station: str
    """Station code; empty when it could not be assigned to one."""
    name: str
    """As sent."""
    account: str
    """Account that sent it."""
    transport: str
    """`ftp`, `http`, ..."""
    received_at: datetime
    """When the whole file was here, UTC."""
    format: str
    """Dialect that read it; empty when nothing was readable."""
    rules: str
    """Version of the rule set that judged its readings."""
    readings: int
    """Readings it gave."""
    rejects: int
    """Lines that gave none."""
    content: str | None
    """Link to the exact bytes; null at the ministry, where only readings arrive."""

    @classmethod
    def of(cls, row: Mapping[str, Any], *, raw: bool) -> Self:
        """Present a row of ``files``; ``raw`` tells whether this deployment keeps the bytes."""
        fields = {name: value for name, value in row.items() if name != "file_id"}
        return cls(**fields, id=row["file_id"], content=content_link(row["file_id"]) if raw else None)


class Files(Model):
    """A page of received files."""

    items: list[File]
    next: str | None
    """Link to the next page; null on the last."""


class Reject(Model):
    """One line that gave no reading."""

    station: str
    """Station code; empty when the file could not be assigned to one."""
    file_id: str
    """SHA-256 of the file's bytes."""
    received_at: datetime
    """When the whole file was here, UTC."""
    line: int
    """Line in the file, from 1; 0 = the whole file."""
    text: str
    """The line as read."""
    reason: str = Field(examples=["value-not-a-number"])
    """Stable code."""
    detail: str
    """The reason in a sentence."""


class Rejects(Model):
    """A page of rejected lines."""

    items: list[Reject]
    next: str | None
    """Link to the next page; null on the last."""


class RejectCount(Model):
    """How many lines of one station gave no reading for one reason."""

    station: str
    """Station code; empty for files that could not be assigned to one."""
    reason: str = Field(examples=["value-not-a-number"])
    """Stable code."""
    files: int
    """Files with such a line."""
    lines: int
    """Such lines; a file rejected as a whole counts as one."""
    last: datetime
    """When the last of the files was here, UTC."""


class RejectsSummary(Model):
    """Rejected lines, counted by station and reason, the most first."""

    items: list[RejectCount]


class Receipt(Model):
    """What the ministry confirmed about a file's readings."""

    target: str
    """Name of the ministry endpoint."""
    delivery_id: str
    """SHA-256 of the delivery."""
    confirmed_at: datetime
    """When the ministry accepted it, UTC."""
    readings: int
    """Readings delivered."""
    revision: int
    """Which judgement of the file was delivered; 0 = its first, with every reading."""


class UnitCorrection(Model):
    """A dated rule of the registry: this logger writes a wrong unit."""

    written: str
    """As the line has it."""
    really: str
    """What the value was taken to be in."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""


class Judgement(Model):
    """What one test said of a reading."""

    name: str = Field(examples=["rate_of_change"])
    """Name of the test."""
    outcome: int
    """As a QARTOD flag, as stored."""
    outcome_name: str = Field(examples=["suspect"])
    """The outcome in words."""
    says: str
    """The numbers compared, or what was lacking; also the outcome of today where it is another one, such as
    after limits were learnt anew, which is no revision as long as the flag stays."""
    rules: str
    """Version of the rules whose thresholds `says` names; they judged the reading unless `reading` names
    another."""
    source: str
    """Where the thresholds come from: each scope of the rules with its source, the widest first, and the
    registry; empty where the test is not asked now."""


class Decision(Model):
    """A flag that a person gave to a span of readings; it wins over every test."""

    flag: int
    """As a QARTOD flag."""
    flag_name: str = Field(examples=["fail"])
    """The flag in words."""
    by: str
    """Who decided; `registry` = a maintenance window of the station."""
    why: str
    """Reason given."""
    decided_at: datetime | None
    """UTC; null for a maintenance window of the registry."""
    starts_at: datetime
    """Inclusive, by the time of measurement, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""

    @classmethod
    def of(cls, decision: PersonsDecision) -> Self:
        """Present a decision of the registry."""
        return cls(
            flag=decision.flag,
            flag_name=flag_name(decision.flag),
            by=decision.by,
            why=decision.why,
            decided_at=None if decision.decided_at == _BEFORE_ALL else decision.decided_at,
            starts_at=decision.start,
            ends_at=decision.end,
        )


class Superseded(Model):
    """A reading as it stood before a correction or another judgement."""

    value: float
    """In `unit`."""
    unit: str
    """Unit of `value`; empty = dimensionless."""
    flag: int
    """QARTOD flag it had."""
    flag_name: str
    """The flag in words."""
    rules: str
    """Version of the rule set that had judged it."""
    received_at: datetime
    """When its file was here, UTC."""
    revision: int
    """Which judgement of its file it was; 0 = the first."""
    cause: str
    """Why it was judged again, such as `late`, `decision` or `replay`; empty = another file gave the
    reading."""
    superseded_at: datetime
    """When the next version was stored, UTC."""


class Lineage(Model):
    """Where a reading came from and where it went."""

    reading: Reading
    """As it stands now, with its flag, its tests and the version of the rules."""
    file: File | None
    """The file it came in; null for the moment in which the file's own row is still being written."""
    raw: Literal["here", "at the province", "not stored yet"]
    """Where the file's bytes are."""
    raw_bytes: int | None
    """Length of the file."""
    line_text: str | None
    """The reading's line, as it stands in the file."""
    unit_correction: UnitCorrection | None
    """Why the value is not in the unit that the line writes; null where the line's unit was believed."""
    average: Average | None
    """The hourly average it went into, in its present version; null before that is computed."""
    receipts: list[Receipt]
    """What the ministry confirmed; empty before it has."""
    tests: list[Judgement]
    """What each test said of the reading."""
    decision: Decision | None
    """The person's decision that covers the reading; null where nobody decided, or it was withdrawn."""
    revisions: list[Superseded]
    """How the reading stood before, the newest first."""


class Health(Model):
    """That all is well."""

    status: Literal["ok"] = "ok"


def content_link(file_id: str) -> str:
    """Return the link to a file's bytes."""
    return f"/v1/files/{file_id}/content"
