"""Stations, from the registry."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from quantrac.domain.registry import stations as domain
from services.api.context import Context, InContext
from services.api.keys import Asking, Reader
from services.api.models import Parameter, Station, StationDetail, Stations
from services.api.pages import Keyset, PageQuery, next_link

router = APIRouter(tags=["Stations"])

_ORDER = Keyset(code=str)

Code = Annotated[str, Path(description="Station code.", examples=["HN_BKHN_KHIKXQ"])]


class StationFilter(PageQuery):
    """Which stations."""

    type: domain.StationType | None = None
    """Only stations that measure this."""
    province: Annotated[str | None, Field(pattern=r"^\d{2}$", examples=["01"])] = None
    """Only stations of this province; two-digit code of Decision 19/2025/QĐ-TTg."""


def station_page(
    request: Request, query: StationFilter, reader: Reader, context: Context
) -> tuple[list[domain.Station], str | None]:
    """Return a page of the stations that the key may read, by code, and the link to the next."""
    limit = query.most(context.page_limit)
    (after,) = _ORDER.after(query.cursor, "")
    ahead = [s for s in reader.visible(type_=query.type, province=query.province) if s.code > after]
    if len(ahead) <= limit:
        return ahead, None
    return ahead[:limit], next_link(request, _ORDER.cursor({"code": ahead[limit - 1].code}))


@router.get("/stations", summary="List stations")
def stations(
    request: Request, query: Annotated[StationFilter, Query()], reader: Asking, context: InContext
) -> Stations:
    """List the stations that the key may read, by code; closed ones too, with their validity."""
    page, link = station_page(request, query, reader, context)
    return Stations(items=[Station.of(station) for station in page], next=link)


@router.get("/stations/{code}", summary="Show one station")
def station(code: Code, reader: Asking) -> StationDetail:
    """Show a station and what it measures."""
    found = reader.station(code)
    return StationDetail.of(
        found, aliases=list(found.aliases), parameters=[Parameter.of(entry) for entry in found.parameters]
    )
