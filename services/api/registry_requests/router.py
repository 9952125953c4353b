"""Registry requests."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from quantrac.domain.registry.approvals import RequestState
from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.keys import CurrentReader
from services.api.common.names import ProvinceName
from services.api.common.pages import Keyset, PageFilter, link_to_cursor
from services.api.common.problems import UnknownStation
from services.api.registry_requests.answer import RegistryRequests, present_request
from services.api.registry_requests.query import select_requests

router = APIRouter(tags=["Registry requests"])

_ORDER = Keyset(station=str)


class RequestsFilter(PageFilter):
    """Which requests."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Only the request of this station: its code, as it is asked for."""
    province: ProvinceName | None = None
    """Only stations of this province: two-digit code of Decision 19/2025/QĐ-TTg, or its name."""
    state: RequestState | None = None
    """Only requests in this state."""


@router.get("/registry/requests", summary="List registry requests", response_model=RegistryRequests)
def registry_requests(
    request: Request, filters: Annotated[RequestsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List the stations that provinces ask the ministry to take, by code, each with what waits of it there.

    At a province: what the ministry has answered. A station need not be registered here to be listed.
    """
    limit = filters.effective_limit(context.page_limit)
    (after,) = _ORDER.decode_cursor(filters.cursor, "")
    rows = select_requests(
        context.database,
        scope=reader.request_scope(filters.station),
        station=filters.station,
        province=filters.province,
        state=filters.state,
        after=after,
        limit=limit + 1,
    )
    if filters.station is not None and not rows and filters.state is filters.province is None:
        raise UnknownStation(filters.station)
    items = [present_request(row) for row in rows[:limit]]
    more = len(rows) > limit
    next_link = link_to_cursor(request, _ORDER.encode_cursor(rows[limit - 1])) if more else None
    return UtcJsonResponse({"items": items, "next": next_link})
