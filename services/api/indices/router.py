"""Indices."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.common.answers import PlainJson
from services.api.common.context import InContext
from services.api.common.keys import Asking
from services.api.common.pages import Keyset, SpanPage, SpanQuery
from services.api.common.times import Moment, zone_of
from services.api.indices import query as queries
from services.api.indices.answer import Indices, present_index

router = APIRouter(tags=["Indices"])

_ORDER = Keyset(starts_at=AwareDatetime, kind=str)


class IndicesFilter(SpanQuery):
    """Which indices."""

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    kind: Literal["VN_AQI", "VN_WQI"] | None = None
    """Of air or of water; both where absent."""
    period: Literal["hour", "day"] = "hour"
    """Length of the period; the day is Vietnam's (UTC+7)."""
    as_of: Annotated[Moment | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Answers what stood at that time; ISO 8601 with a zone."""


@router.get("/indices", summary="List the indices of a station", response_model=Indices)
def indices(
    request: Request, query: Annotated[IndicesFilter, Query()], reader: Asking, context: InContext
) -> PlainJson:
    """List VN_AQI or VN_WQI of periods that start in [from, to), as they stand or stood at `as_of`.

    A station has none where the registry lets it publish none.
    """
    station = reader.station(query.station)
    page = SpanPage.of(request, query, context, _ORDER, "")
    rows = queries.page(
        context.database,
        station=station.code,
        kind=query.kind,
        period=query.period,
        after=page.after,
        end=page.end,
        limit=page.wanted,
        as_of=query.as_of,
    )
    zone = zone_of(station.timezone)
    items = [present_index(row, zone) for row in rows[: page.limit]]
    return PlainJson({"items": items, "next": page.next(rows)})
