"""Readings, and the latest of them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from quantrac.domain.readings import Flag
from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.names import ParameterName, resolve_parameter
from services.api.common.pages import Keyset, SpanFilter, SpanPage
from services.api.common.station_pages import StationCode, StationFilter, select_station_page
from services.api.readings.answer import Readings, StationLatest, present_reading
from services.api.readings.query import select_latest_readings, select_readings

router = APIRouter(tags=["Readings"])

_ORDER = Keyset(measured_at=AwareDatetime, parameter=str)
_ALL_TIME = datetime(1970, 1, 1, tzinfo=UTC)
# Two partitions at most; stations that have been silent for longer are left out.
_RECENT = timedelta(days=30)


class ReadingsFilter(SpanFilter):
    """Which readings."""

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    parameter: ParameterName | None = None
    """Catalogue code, or another name that the catalogue knows; all parameters where absent."""
    flag: Flag | None = None
    """Only this QARTOD flag: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""


class LatestFilter(StationFilter):
    """Which stations' latest readings."""

    limit: Annotated[int, Field(ge=1)] = 100
    """Most stations of the page."""


@router.get("/readings", summary="List the readings of a station", response_model=Readings)
def readings(
    request: Request, filters: Annotated[ReadingsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List readings in [from, to) by (measured_at, parameter), every one once, whatever its flag."""
    station = reader.station(filters.station)
    page = SpanPage.from_filters(request, filters, context, _ORDER, "")
    rows = select_readings(
        context.database,
        station=station.code,
        parameter=resolve_parameter(filters.parameter, [station]),
        flag=filters.flag,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
    )
    items = [present_reading(row, station) for row in rows[: page.limit]]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})


@router.get(
    "/stations/{code}/latest", summary="Show a station's latest readings", response_model=StationLatest
)
def station_latest(code: StationCode, reader: CurrentReader, context: ApiContext) -> UtcJsonResponse:
    """Show the latest reading of each parameter; readings from the future are left out."""
    station = reader.station(code)
    time_span = {"since": _ALL_TIME, "now": context.clock()}
    rows = select_latest_readings(context.database, stations=[station.code], **time_span)
    items = [present_reading(row, station) for row in rows]
    return UtcJsonResponse({"station": station.code, "items": items})


@router.get("/latest", summary="List the latest readings of many stations", response_model=Readings)
def latest(
    request: Request, filters: Annotated[LatestFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List each parameter's latest reading in the last 30 days, by station; pages hold whole stations."""
    page, next_link = select_station_page(request, filters, reader, context)
    stations = {station.code: station for station in page}
    now = context.clock()
    rows = select_latest_readings(context.database, stations=list(stations), since=now - _RECENT, now=now)
    items = [present_reading(row, stations[row["station"]]) for row in rows]
    return UtcJsonResponse({"items": items, "next": next_link})
