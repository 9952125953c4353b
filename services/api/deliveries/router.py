"""Deliveries to the ministry."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext, Context
from services.api.common.keys import CurrentReader, Reader
from services.api.common.names import ProvinceName
from services.api.common.pages import Keyset, SpanFilter, SpanListFilter, SpanPage
from services.api.common.times import QueryTime
from services.api.deliveries.answer import Deliveries, Lag, present_delivery, present_lag
from services.api.deliveries.query import select_deliveries, select_lag

router = APIRouter(tags=["Deliveries"])

_ORDER = Keyset(confirmed_at=AwareDatetime, target=str, account=str, delivery_id=str)

_KEPT = timedelta(days=31)
"""What waits longer is no longer on the topic that deliveries are made of."""


class _StationsFilter(SpanListFilter):
    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""
    province: ProvinceName | None = None
    """Only stations of this province: two-digit code of Decision 19/2025/QĐ-TTg, or its name."""


class DeliveriesFilter(_StationsFilter, SpanFilter):
    """Which deliveries, by the time the ministry confirmed them."""

    account: Annotated[str | None, Field(examples=["hanoi"])] = None
    """Only deliveries of this account at the ministry."""


class LagFilter(_StationsFilter):
    """Whose files, by the time they were received."""

    from_: Annotated[QueryTime | None, Field(alias="from", examples=["2026-03-25T00:00:00+07:00"])] = None
    """Inclusive, and before `to`; ISO 8601 with a zone. 31 days before `to` where absent."""

    def default_start(self, end: datetime) -> datetime:
        """Return the start where `from` is absent."""
        return end - _KEPT


@router.get("/deliveries", summary="List deliveries to the ministry", response_model=Deliveries)
def deliveries(
    request: Request,
    filters: Annotated[DeliveriesFilter, Query()],
    reader: CurrentReader,
    context: ApiContext,
) -> UtcJsonResponse:
    """List what was confirmed in [from, to), with the receipts; at the ministry, what it received."""
    page = SpanPage.from_filters(request, filters, context, _ORDER, "", "", "")
    rows = select_deliveries(
        context.database,
        stations=reader.scope(filters.station, filters.province),
        account=filters.account,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
    )
    items = [
        present_delivery(row, is_signed_shown=_may_read_receipt(row["account"], reader, context))
        for row in rows[: page.limit]
    ]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})


@router.get("/deliveries/lag", summary="Show what is still to be delivered")
def lag(filters: Annotated[LagFilter, Query()], reader: CurrentReader, context: ApiContext) -> Lag:
    """Show which readings of files received in [from, to) the ministry has not confirmed, by station."""
    now = context.clock()
    start, end = filters.span(now)
    rows = select_lag(
        context.database,
        stations=reader.scope(filters.station, filters.province),
        start=start,
        end=end,
        limit=filters.effective_limit(context.page_limit),
    )
    items = [present_lag(row, now) for row in rows]
    return Lag(
        starts_at=start,
        ends_at=end,
        files=sum(item.files for item in items),
        readings=sum(item.readings for item in items),
        oldest_age_seconds=max((item.oldest_age_seconds or 0 for item in items if item.files), default=None),
        items=items,
    )


def _may_read_receipt(account: str, reader: Reader, context: Context) -> bool:
    """Tell whether a key may read all provinces of which receipts of an account may name stations.

    Those of the account; where there is no such account, as at a province, those of all stations.
    """
    registry = context.registry
    entry = registry.accounts.get(account)
    stations = list(registry.stations.values())
    provinces = entry.provinces if entry else {station.province for station in stations}
    return all(map(reader.can_read_province, provinces))
