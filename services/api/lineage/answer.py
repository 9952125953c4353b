"""The way of one reading, as it is answered."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import Field

from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.registry import decisions as domain
from quantrac.domain.registry.stations import Station
from quantrac.domain.stamps import Stamps
from quantrac.domain.times import hour_start
from services.api.averages.answer import Average
from services.api.common.answers import AnswerModel
from services.api.files.answer import File
from services.api.indices.answer import Index
from services.api.readings.answer import Reading, flag_name

_REGISTRY_DECISION_TIME = datetime.min.replace(tzinfo=UTC)
"""``decided_at`` of a maintenance window: the registry has no time for it."""


class Receipt(AnswerModel):
    """What the ministry confirmed about a file's readings."""

    target: str
    """Name of the ministry."""
    delivery_id: str
    """SHA-256 of the delivery."""
    account: str
    """The province's account at the ministry, which had sent it; empty in receipts that are not signed."""
    confirmed_at: datetime
    """When the ministry accepted it, UTC."""
    readings: int
    """Readings delivered."""
    revision: int
    """Which judgement of the file was delivered; 0 = its first, with every reading."""
    waiting: bool
    """Whether the ministry kept the set until the station is approved there."""
    signed: str
    """The receipt of the delivery as the ministry signed it, a JWS (RFC 7515) that `quantrac receipts verify`
    checks. Empty where it is not signed or still being stored, and for keys that do not read the station's
    province: a receipt speaks of other stations, too."""


class UnitCorrection(AnswerModel):
    """A dated rule of the registry: this logger writes a wrong unit."""

    written: str
    """As the line has it."""
    really: str
    """What the value was taken to be in."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""


class Averaged(AnswerModel):
    """What a reading is the mean of, by the registry's `stamps` of its station."""

    stamps: Stamps
    """Which time of it `measured_at` names."""
    starts_at: datetime
    """UTC; of an instant `measured_at`."""
    ends_at: datetime
    """UTC; of an instant `measured_at`."""
    hour_starts_at: datetime
    """Start of the hour that the reading counts in, UTC: that of the middle. Its day is the hour's."""

    @classmethod
    def of_stamp(cls, station: Station, measured_at: datetime) -> Self:
        """Present what a station's stamp means."""
        start, end = station.mean_span(measured_at)
        return cls(
            stamps=station.stamps_at(measured_at),
            starts_at=start,
            ends_at=end,
            hour_starts_at=hour_start(station.middle_of(measured_at)),
        )


class Judgement(AnswerModel):
    """What one test said of a reading."""

    name: str = Field(examples=["rate_of_change"])
    """Name of the test."""
    outcome: int
    """As a QARTOD flag, as stored."""
    outcome_name: str = Field(examples=["suspect"])
    """The outcome in words."""
    says: str
    """The numbers compared, or what was lacking; also the outcome of today where it is another one, such as
    after its baseline moved, which is no revision as long as the flag stays."""
    rules: str
    """Version of the rules whose thresholds `says` names; they judged the reading unless `reading` names
    another."""
    source: str
    """Where the thresholds come from: each scope of the rules with its source, the widest first, and the
    registry; empty where the test is not asked now."""


class Decision(AnswerModel):
    """A flag that a person gave to a span of readings; it wins over every test."""

    flag: int
    """As a QARTOD flag."""
    flag_name: str = Field(examples=["fail"])
    """The flag in words."""
    by: str
    """Who decided; `registry` = a maintenance window of the station, or a parameter that it has withdrawn."""
    why: str
    """Reason given."""
    decided_at: datetime | None
    """UTC; null where the registry decided."""
    starts_at: datetime
    """Inclusive, by the time of measurement, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""

    @classmethod
    def from_registry(cls, decision: domain.Decision) -> Self:
        """Present a decision of the registry."""
        return cls(
            flag=decision.flag,
            flag_name=flag_name(decision.flag),
            by=decision.by,
            why=decision.why,
            decided_at=None if decision.decided_at == _REGISTRY_DECISION_TIME else decision.decided_at,
            starts_at=decision.start,
            ends_at=decision.end,
        )


class Superseded(AnswerModel):
    """A reading as it stood before a correction or another judgement."""

    value: float
    """In `unit`."""
    qualifier: Qualifier
    """`<` or `>` where the true value lies beyond `value`, a limit of the method; else empty."""
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
    """Why the next version counts: `correction`, another file gave the reading; `reread`, its own file was
    read again with another result; else why it was judged again, such as `late`, `decision` or `replay`."""
    superseded_at: datetime
    """When the next version was stored, UTC."""


class Lineage(AnswerModel):
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
    averaged: Averaged
    """What the value is the mean of, and so in which hour it counts."""
    average: Average | None
    """The hourly average it went into, in its present version; null before that is computed."""
    indices: list[Index]
    """VN_AQI or VN_WQI of that hour and of its day, in their present versions, with the formula they follow;
    empty where the station publishes none, or none that looks at the parameter."""
    receipts: list[Receipt]
    """What the ministry confirmed; empty before it has."""
    tests: list[Judgement]
    """What each test said of the reading."""
    decision: Decision | None
    """The person's decision that covers the reading; null where nobody decided, or it was withdrawn."""
    revisions: list[Superseded]
    """How the reading stood before, the newest first."""
