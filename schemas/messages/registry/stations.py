"""Stations, what they measure and how often."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quantrac.domain.bounds import MEASURED
from quantrac.domain.numbers import DecimalSign
from quantrac.domain.provinces import look_up_province
from quantrac.domain.readings import Flag
from quantrac.domain.registry import intervals
from quantrac.domain.registry import stations as domain
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.stamps import Stamps
from quantrac.domain.units import canonical_unit
from schemas.messages.base import Line, Message, ParameterCode, StationCode
from schemas.messages.registry.fields import (
    CatalogueCode,
    Dated,
    DecidedFlag,
    TimeOrDate,
    check_order,
    fields_of,
)
from schemas.messages.registry.permits import Permit
from schemas.messages.registry.pollution import KnownPollution

_CODE = re.compile(r"[0-9]{2}")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""When the registry decided: any person's decision comes after."""


class UnitOverride(Message):
    """A unit that a station's files write, and the one that its numbers are really in."""

    written: str = Field(examples=["mg/Nm3"])
    """As in the file, such as ``mg/Nm3``."""
    really: str = Field(examples=["µg/m3"])
    """Such as ``µg/m3``."""

    @field_validator("written", "really")
    @classmethod
    def _check_unit(cls, unit: str) -> str:
        if canonical_unit(unit) is None:
            raise ValueError(f"the unit {unit!r} is unknown")
        return unit


class WarningLevels(Message):
    """Values from which a duty officer is told, long before any average is judged; absent = not told."""

    tendency: float | None = Field(default=None, examples=[60])
    """The first level: values tend towards the limit."""
    preparing: float | None = Field(default=None, examples=[68])
    """The second level: prepare to act."""
    exceeded: float | None = Field(default=None, examples=[75])
    """The third level: a single value lies beyond the limit."""

    def to_domain(self) -> domain.WarningLevels:
        """Convert for use."""
        return domain.WarningLevels(**fields_of(self))


class StationParameter(Dated):
    """One parameter that a station measures."""

    code: ParameterCode = Field(examples=["PM2.5"])
    """Catalogue code, such as ``PM2.5``; another name keeps a quantity that the catalogue lacks."""
    unit: str = Field(examples=["µg/m3"])
    """Unit the values are kept in; an empty text for what has none, such as pH."""
    file_names: tuple[str, ...] = Field(default=(), examples=[["PM-2-5", "Bụi mịn"]])
    """Names the station's files use, beside the code and the catalogue's aliases."""
    file_unit: str | None = Field(default=None, examples=["mg/m3"])
    """Unit to take where the file's unit column is empty; absent = ``unit``."""
    unit_override: tuple[UnitOverride, ...] = Field(
        default=(), examples=[[{"written": "mg/Nm3", "really": "µg/m3"}]]
    )
    """Units that the logger is known to write wrongly; end it with ``valid_to`` once the logger is mended."""
    range_low: float | None = Field(default=None, examples=[0])
    """Lower end of the equipment range (LRV), in ``unit``."""
    range_high: float | None = Field(default=None, examples=[1000])
    """Upper end of the equipment range (URV), in ``unit``; values outside the range fail."""
    warning_levels: WarningLevels | None = Field(default=None, examples=[{"tendency": 60, "exceeded": 75}])
    """In ``unit``; absent derives them from the limit that applies."""
    counter: bool = Field(default=False, examples=[True])
    """Whether its values are a running sum, such as the rain of the day so far: an hour then adds up what
    came since the reading before, and the tests of steps and of constant values are not asked."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.range_low is not None and self.range_high is not None and self.range_low >= self.range_high:
            raise ValueError(f"{self.code}: range_low must lie below range_high")
        return self

    def to_domain(self) -> domain.StationParameter:
        """Convert for use."""
        fields = fields_of(self)
        fields["unit_override"] = tuple((o.written, o.really) for o in self.unit_override)
        if self.warning_levels is not None:
            fields["warning_levels"] = self.warning_levels.to_domain()
        return domain.StationParameter(**fields)


class Maintenance(Message):
    """A span known beforehand in which a station's readings are not of the environment."""

    start: TimeOrDate = Field(examples=["2026-04-01T00:00:00+07:00"])
    """First time of measurement that it covers."""
    end: TimeOrDate = Field(examples=["2026-04-02T07:30:00+07:00"])
    """First time of measurement after it."""
    parameters: tuple[CatalogueCode, ...] = Field(default=(), examples=[["PM2.5", "PM10"]])
    """Catalogue codes of the parameters it is about; absent = all."""
    flag: DecidedFlag = Field(default="fail", examples=["suspect"])
    """Flag that the readings get."""
    why: Annotated[str, Field(min_length=1)] = Field(examples=["yearly service"])
    """Reason, which stands beside each flag."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.start, self.end)
        return self


class WithdrawnParameter(Dated):
    """A parameter that the station never measured: all that is stored of it was a mistake.

    Its readings stay stored, and are marked missing (flag 9) as long as this entry stands: they count in no
    average, and the parameter is no longer among the latest readings. Without the entry everything is as it
    was.
    """

    parameter: ParameterCode = Field(examples=["PM25"])
    """As it is stored; it need be no catalogue code."""
    why: Annotated[str, Field(min_length=1)] = Field(examples=["a typing error of PM2.5"])
    """Reason, for the record: lineage shows it beside each of its readings."""

    def to_decision(self, station: str, number: int) -> Decision:
        """Return what it says of the station's readings."""
        return Decision(
            id=f"withdrawn-{number}",
            station=station,
            start=self.valid_from.astimezone(UTC) if self.valid_from else MEASURED.first,
            end=self.valid_to.astimezone(UTC) if self.valid_to else MEASURED.last + timedelta(seconds=1),
            flag=Flag.MISSING,
            by="registry",
            why=self.why,
            decided_at=_BEFORE_ALL,
            parameters=(self.parameter,),
        )


Minutes = Annotated[float, Field(ge=1 / 60, le=1440)]
"""Distance between two files: at least the second that it is rounded to, at most a day."""


class Interval(Dated):
    """The distance between two files while it was another one than now."""

    minutes: Minutes = Field(examples=[15])
    """Distance between two files in that span."""

    def to_domain(self) -> intervals.Interval:
        """Convert for use."""
        fields = fields_of(self)
        return intervals.Interval(seconds=round(fields.pop("minutes") * 60), **fields)


class StampMeaning(Dated):
    """What the stamps of a station's readings mean, between two dates."""

    at: Stamps = Field(examples=["end"])
    """Whether a stamp names an instant, or the start or the end of what was averaged."""
    minutes: Minutes | None = Field(default=None, examples=[5])
    """Length of what was averaged; absent = the station's interval of then."""

    def to_domain(self) -> domain.StampMeaning:
        """Convert for use."""
        fields = fields_of(self)
        minutes = fields.pop("minutes")
        return domain.StampMeaning(seconds=None if minutes is None else round(minutes * 60), **fields)


def _province_code(value: object) -> object:
    """Read a name as the code; a code stays: a station that has ended may be in a province of its time."""
    if isinstance(value, str) and not _CODE.fullmatch(value):
        return look_up_province(value)
    return value


def _as_meanings(value: object) -> object:
    """Read one word, or one entry that stands in no list, as the only entry."""
    entry = {"at": value} if isinstance(value, str) else value
    return [entry] if isinstance(entry, dict) else value


class Station(Dated):
    """One automatic station."""

    code: StationCode = Field(examples=["HN_BKHN_KHIKXQ"])
    """What its files' names carry; it stays the same for as long as the station has data."""
    name: Line = Field(examples=["Đại học Bách khoa Hà Nội"])
    """Name in Vietnamese, as people read it."""
    name_en: Line = Field(default="", examples=["Hanoi University of Science and Technology"])
    """Name in English; absent = the Vietnamese one stands alone."""
    type: domain.StationType = Field(examples=["ambient-air"])
    """What it measures; decides which tests, limits and index hold."""
    province: Annotated[str, Field(pattern=r"^\d{2}$"), BeforeValidator(_province_code)] = Field(
        examples=["01"]
    )
    """Two-digit code of Decision 19/2025/QĐ-TTg, in quotes; or the province's name."""
    latitude: Annotated[float, Field(ge=-90, le=90)] = Field(examples=[21.0052])
    """Degrees north, WGS 84."""
    longitude: Annotated[float, Field(ge=-180, le=180)] = Field(examples=[105.8428])
    """Degrees east, WGS 84."""
    interval_minutes: Minutes = Field(default=5, examples=[60])
    """Distance between two files; the national register's default is 5."""
    intervals: tuple[Interval, ...] = Field(
        default=(), examples=[[{"minutes": 15, "valid_to": "2026-01-01T00:00:00+07:00"}]]
    )
    """Spans in which it was another one, so that averages of then expect what was to be expected then."""
    stamps: Annotated[tuple[StampMeaning, ...], BeforeValidator(_as_meanings)] = Field(
        default=(), examples=["end"]
    )
    """Whether readings are stamped with the start or the end of what was averaged; where nothing is said,
    with an instant. In a file one word, such as ``end``, says it for all times."""
    publish_index: bool = Field(default=False, examples=[True])
    """Whether VN_AQI or VN_WQI is made of it; not of a station that only serves as a reference."""
    timezone: str = Field(default="Asia/Ho_Chi_Minh", examples=["Asia/Ho_Chi_Minh"])
    """IANA name of the logger's clock."""
    aliases: tuple[StationCode, ...] = Field(default=(), examples=[["HN_BK_KHI001"]])
    """Other codes its file names carry."""
    file_patterns: tuple[Annotated[str, Field(min_length=3, max_length=200)], ...] = Field(
        default=(), examples=[["Tram 1 ", "T1-*.lsi"]]
    )
    """Parts of its files' names, or globs where they hold ``*`` or ``?``, for names that state no code."""
    encoding: Literal["utf-8", "cp1258"] = Field(default="utf-8", examples=["cp1258"])
    """Of its files, where they have no BOM; ``cp1258`` is Vietnamese Windows."""
    decimal_sign: DecimalSign | None = Field(default=None, examples=[","])
    """Of its numbers; the other sign then divides thousands. Absent = as the numbers of each file show it."""
    parameters: tuple[StationParameter, ...] = Field(
        default=(), examples=[[{"code": "PM2.5", "unit": "µg/m3"}]]
    )
    """What it measures; other lines of its files are rejected."""
    maintenance: tuple[Maintenance, ...] = Field(
        default=(),
        examples=[
            [{"start": "2026-04-01T08:00:00+07:00", "end": "2026-04-01T11:00:00+07:00", "why": "service"}]
        ],
    )
    """Spans whose readings are flagged whatever the tests say."""
    withdrawn: tuple[WithdrawnParameter, ...] = Field(
        default=(), examples=[[{"parameter": "PM25", "why": "a typing error of PM2.5"}]]
    )
    """Parameters that were a mistake, such as ``PM25`` for ``PM2.5``: none of their readings counts."""
    permits: tuple[Permit, ...] = Field(
        default=(), examples=[[{"standard": "QCVN 40:2011/BTNMT", "column": "A"}]]
    )
    """What its averages are judged by; where none is valid, the rows of its medium that need no choice."""
    pollution: tuple[KnownPollution, ...] = Field(default=(), examples=[[{"kind": "organic"}]])
    """What somebody has decided about the surface water that it measures; decides how VN_WQI is computed."""
    facility_since: TimeOrDate | None = Field(default=None, examples=["2012-01-01T00:00:00+07:00"])
    """When the facility began to exist or had its first licence; absent = when its first permit here begins.

    A replaced standard goes on for facilities that are older than the new one. A permit that begins nowhere
    means a facility that was always.
    """

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone") from error
        return name

    @model_validator(mode="after")
    def _pollution_is_of_surface_water(self) -> Self:
        if self.pollution and self.type != domain.StationType.SURFACE_WATER:
            raise ValueError(f"pollution is stated of surface water, not of {self.type.value}")
        return self

    @field_validator("stamps")
    @classmethod
    def _one_meaning_at_once(cls, meanings: tuple[StampMeaning, ...]) -> tuple[StampMeaning, ...]:
        ordered = sorted(meanings, key=lambda meaning: meaning.valid_from or _BEFORE_ALL)
        for earlier, later in pairwise(ordered):
            if earlier.valid_to is None or (later.valid_from or _BEFORE_ALL) < earlier.valid_to:
                raise ValueError(
                    f"'{earlier.at}' and '{later.at}' are valid at once; end the earlier one with valid_to"
                )
        return meanings

    def to_domain(self) -> domain.Station:
        """Convert for use."""
        fields = fields_of(self)
        fields["interval_seconds"] = round(fields.pop("interval_minutes") * 60)
        fields["intervals"] = tuple(interval.to_domain() for interval in self.intervals)
        fields["stamps"] = tuple(meaning.to_domain() for meaning in self.stamps)
        fields["parameters"] = tuple(p.to_domain() for p in self.parameters)
        fields["permits"] = tuple(permit.to_domain() for permit in self.permits)
        fields["pollution"] = tuple(entry.to_domain() for entry in self.pollution)
        fields["maintenance"] = tuple(
            Decision(
                id=f"maintenance-{number}",
                station=self.code,
                start=window.start.astimezone(UTC),
                end=window.end.astimezone(UTC),
                flag=Flag[window.flag.upper()],
                by="registry",
                why=window.why,
                decided_at=_BEFORE_ALL,
                parameters=window.parameters,
            )
            for number, window in enumerate(self.maintenance, start=1)
        )
        fields["withdrawn"] = tuple(
            entry.to_decision(self.code, number) for number, entry in enumerate(self.withdrawn, start=1)
        )
        return domain.Station(**fields)
