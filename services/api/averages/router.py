"""Averages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.averages.answer import Averages, present_average
from services.api.averages.query import select_averages
from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.names import ParameterName, resolve_parameter
from services.api.common.pages import Keyset, SpanFilter, SpanPage
from services.api.common.times import QueryTime, time_zone

router = APIRouter(tags=["Averages"])

_ORDER = Keyset(starts_at=AwareDatetime, parameter=str)


class AveragesFilter(SpanFilter):
    """Which averages."""

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    parameter: ParameterName | None = None
    """Catalogue code, or another name that the catalogue knows; all parameters where absent."""
    period: Literal["hour", "8h", "day", "month", "year"] = "hour"
    """Length of the period; day, month and year are Vietnam's (UTC+7)."""
    as_of: Annotated[QueryTime | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Answers what stood at that time; ISO 8601 with a zone. Of a period that was not over then, only a
    version that still stands is known."""


@router.get("/averages", summary="List the averages of a station", response_model=Averages)
def averages(
    request: Request, filters: Annotated[AveragesFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List averages that start in [from, to) by (starts_at, parameter), as they stand or stood at `as_of`."""
    station = reader.station(filters.station)
    page = SpanPage.from_filters(request, filters, context, _ORDER, "")
    rows = select_averages(
        context.database,
        station=station.code,
        parameter=resolve_parameter(filters.parameter, [station]),
        period=filters.period,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
        as_of=filters.as_of,
    )
    zone = time_zone(station.timezone)
    items = [present_average(row, zone) for row in rows[: page.limit]]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})
