"""Pages of stations by code, with what else is listed by station."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import Field

from quantrac.domain import stations as domain
from services.api.common.context import Context
from services.api.common.keys import Reader
from services.api.common.pages import Keyset, PageFilter, next_link

_ORDER = Keyset(code=str)

StationCode = Annotated[str, Path(description="Station code.", examples=["HN_BKHN_KHIKXQ"])]


class StationFilter(PageFilter):
    """Which stations."""

    type: domain.StationType | None = None
    """Only stations that measure this."""
    province: Annotated[str | None, Field(pattern=r"^\d{2}$", examples=["01"])] = None
    """Only stations of this province; two-digit code of Decision 19/2025/QĐ-TTg."""


def select_station_page(
    request: Request, filters: StationFilter, reader: Reader, context: Context
) -> tuple[list[domain.Station], str | None]:
    """Return a page of the stations that the key may read, by code, and the link to the next."""
    limit = filters.most(context.page_limit)
    (after,) = _ORDER.after(filters.cursor, "")
    ahead = [s for s in reader.visible(type_=filters.type, province=filters.province) if s.code > after]
    if len(ahead) <= limit:
        return ahead, None
    return ahead[:limit], next_link(request, _ORDER.cursor({"code": ahead[limit - 1].code}))
