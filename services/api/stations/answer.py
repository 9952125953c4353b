"""Stations and their parameters as they are answered."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.registry import intervals
from quantrac.domain.registry import stations as domain
from quantrac.domain.stamps import Stamps
from services.api.common.answers import AnswerModel


class Parameter(AnswerModel):
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
    counter: bool
    """Whether its values are a running sum; averages then add up what it grew by."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""

    @classmethod
    def from_registry(cls, entry: domain.StationParameter) -> Self:
        """Present an entry of the registry."""
        parameter = find_parameter(entry.code)
        return cls(
            code=entry.code,
            name=parameter.name if parameter else entry.code,
            name_vi=parameter.name_vi if parameter else entry.code,
            unit=entry.unit,
            range_low=entry.range_low,
            range_high=entry.range_high,
            counter=entry.counter,
            valid_from=entry.valid_from,
            valid_to=entry.valid_to,
        )


class Interval(AnswerModel):
    """The distance between two readings of a parameter in a span of time."""

    seconds: int
    """Distance between two files."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""

    @classmethod
    def from_registry(cls, interval: intervals.Interval) -> Self:
        """Present an entry of the registry."""
        return cls(seconds=interval.seconds, valid_from=interval.valid_from, valid_to=interval.valid_to)


class StampMeaning(AnswerModel):
    """What the stamps of a station's readings, `measured_at`, mean."""

    at: Stamps
    """Whether they name an instant, or the start or the end of what was averaged. A reading counts in the
    hour and day of the middle of that."""
    seconds: int | None
    """Length of what was averaged; null = the station's interval of then."""
    valid_from: datetime | None
    """Inclusive; null = always did."""
    valid_to: datetime | None
    """Exclusive; null = still do."""

    @classmethod
    def from_registry(cls, meaning: domain.StampMeaning) -> Self:
        """Present an entry of the registry."""
        return cls(**{name: getattr(meaning, name) for name in cls.model_fields})


class Station(AnswerModel):
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
    """Distance between two readings of a parameter, at present."""
    timezone: str
    """IANA name of the station's clock."""
    valid_from: datetime | None
    """Inclusive; null = always was."""
    valid_to: datetime | None
    """Exclusive; null = still is."""

    @classmethod
    def from_registry(cls, station: domain.Station, now: datetime, **fields: Any) -> Self:
        """Present a station as of ``now`` (UTC); ``fields`` are those that a subclass adds."""
        present = {name: getattr(station, name) for name in Station.model_fields}
        return cls(**present | {"interval_seconds": station.interval_at(now)}, **fields)


class StationDetail(Station):
    """One automatic station with what it measures."""

    aliases: list[str]
    """Other codes that its file names carry."""
    intervals: list[Interval]
    """Spans with an interval of their own."""
    stamps: list[StampMeaning]
    """What stamps mean at which times; where nothing is said, they name instants."""
    parameters: list[Parameter]


class Stations(AnswerModel):
    """A page of stations, by code."""

    items: list[Station]
    next: str | None
    """Link to the next page; null on the last."""
