"""Stations, from the registry."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.station_pages import StationCode, StationFilter, select_station_page
from services.api.stations.answer import Interval, Parameter, StampMeaning, Station, StationDetail, Stations

router = APIRouter(tags=["Stations"])


@router.get("/stations", summary="List stations")
def stations(
    request: Request, filters: Annotated[StationFilter, Query()], reader: CurrentReader, context: ApiContext
) -> Stations:
    """List the stations that the key may read, by code; closed ones too, with their validity."""
    page, next_link = select_station_page(request, filters, reader, context)
    now = context.clock()
    return Stations(items=[Station.from_registry(station, now) for station in page], next=next_link)


@router.get("/stations/{code}", summary="Show one station")
def station(code: StationCode, reader: CurrentReader, context: ApiContext) -> StationDetail:
    """Show a station and what it measures."""
    station = reader.station(code)
    return StationDetail.from_registry(
        station,
        context.clock(),
        aliases=list(station.aliases),
        intervals=[Interval.from_registry(entry) for entry in station.intervals],
        stamps=[StampMeaning.from_registry(meaning) for meaning in station.stamps],
        parameters=[Parameter.from_registry(entry) for entry in station.parameters],
    )
