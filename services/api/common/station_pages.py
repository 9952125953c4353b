"""Pages of stations by code, for every operation that lists something by station."""

from typing import Annotated

from fastapi import Path, Request

from quantrac.domain.registry import stations as domain
from services.api.common.context import Context
from services.api.common.keys import Reader
from services.api.common.names import ProvinceName
from services.api.common.pages import Keyset, PageFilter, link_to_cursor

_ORDER = Keyset(code=str)

StationCode = Annotated[str, Path(description="Station code.", examples=["HN_BKHN_KHIKXQ"])]


class StationFilter(PageFilter):
    """Which stations."""

    type: domain.StationType | None = None
    """Only stations that measure this."""
    province: ProvinceName | None = None
    """Only stations of this province: two-digit code of Decision 19/2025/QĐ-TTg, or its name."""


def select_station_page(
    request: Request, filters: StationFilter, reader: Reader, context: Context, **parameters: str
) -> tuple[list[domain.Station], str | None]:
    """Return a page of the stations that the key may read, by code, and the link to the next page.

    The link has ``parameters`` added or replaced.
    """
    limit = filters.effective_limit(context.page_limit)
    (after_code,) = _ORDER.decode_cursor(filters.cursor, "")
    visible = reader.visible_stations(type_=filters.type, province=filters.province)
    stations = [station for station in visible if station.code > after_code]
    if len(stations) <= limit:
        return stations, None
    cursor = _ORDER.encode_cursor({"code": stations[limit - 1].code})
    return stations[:limit], link_to_cursor(request, cursor, **parameters)
