"""Indices."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.pages import Keyset, SpanFilter, SpanPage
from services.api.common.times import QueryTime, time_zone
from services.api.indices.answer import Indices, present_index
from services.api.indices.query import select_indices

router = APIRouter(tags=["Indices"])

_ORDER = Keyset(starts_at=AwareDatetime, kind=str)


class IndicesFilter(SpanFilter):
    """Which indices."""

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    kind: Literal["VN_AQI", "VN_WQI"] | None = None
    """Of air or of water; both where absent."""
    period: Literal["hour", "day"] = "hour"
    """Length of the period; the day is Vietnam's (UTC+7)."""
    as_of: Annotated[QueryTime | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Answers what stood at that time; ISO 8601 with a zone."""


@router.get("/indices", summary="List the indices of a station", response_model=Indices)
def indices(
    request: Request, filters: Annotated[IndicesFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List VN_AQI or VN_WQI of periods that start in [from, to), as they stand or stood at `as_of`.

    A station has none where the registry lets it publish none. Decision 1460/QĐ-TCMT speaks of periodic
    samples, so a VN_WQI of an automatic station is outside it. Of two waters only indices made of the same
    `parameters` can be compared.
    """
    station = reader.station(filters.station)
    page = SpanPage.from_filters(request, filters, context, _ORDER, "")
    rows = select_indices(
        context.database,
        station=station.code,
        kind=filters.kind,
        period=filters.period,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
        as_of=filters.as_of,
    )
    zone = time_zone(station.timezone)
    items = [present_index(row, zone) for row in rows[: page.limit]]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})
