"""Data shares."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from quantrac.domain.data_share import DataShare as Share
from services.api.common.context import ApiContext, Context
from services.api.common.keys import CurrentReader, Reader
from services.api.common.pages import SpanListFilter
from services.api.common.problems import BadParameter
from services.api.common.station_pages import StationFilter, select_station_page
from services.api.common.times import iso
from services.api.data_share.answer import DataShare, DataShares
from services.api.data_share.query import count_unassigned, select_shares

router = APIRouter(tags=["Data share"])

_LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)

_STATION_DAYS = 3_100
"""Of one page, so that it takes a second or two: 100 stations for a month, all of a province for a day."""


class DataShareFilter(StationFilter, SpanListFilter):
    """Which stations, and which span of time."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return start and end in whole seconds, UTC; raises :class:`BadParameter`."""
        start, end = (time.replace(microsecond=0) for time in super().span(now))
        if end - start > _LONGEST:
            raise BadParameter(("from", f"the span is longer than {_LONGEST.days} days; ask year by year"))
        return start, end

    def shorten(self, length: timedelta) -> "DataShareFilter":
        """Return the filter with the limit of a page that is cheap enough over so long a span."""
        most = _STATION_DAYS // max(1, -(-length // _DAY))
        return self.model_copy(update={"limit": min(self.limit, most)})


@router.get("/data-share", summary="Count what was expected, came and was delivered")
def data_share(
    request: Request, filters: Annotated[DataShareFilter, Query()], reader: CurrentReader, context: ApiContext
) -> DataShares:
    """Count the readings due in [from, to), and what the files received in it became; the sums close.

    Of a long span a page has fewer stations than its limit says.
    """
    now = context.clock().replace(microsecond=0)
    start, end = filters.span(now)
    if filters.station is not None:
        page, link = [reader.station(filters.station)], None
    else:
        page, link = select_station_page(
            request,
            filters.shorten(end - start),
            reader,
            context,
            **{"from": iso(start), "to": iso(end)},
        )
    stations = [station.code for station in page]
    end = max(start, min(end, now))
    shares = select_shares(context.database, stations=stations, start=start, end=end)
    return DataShares(
        starts_at=start,
        ends_at=end,
        unassigned_files=_count_unassigned(stations, start, end, reader, context),
        items=[DataShare.from_domain(shares.get(code) or Share(code)) for code in stations],
        next=link,
    )


def _count_unassigned(
    stations: Iterable[str], start: datetime, end: datetime, reader: Reader, context: Context
) -> int | None:
    accounts = reader.file_scope(None, unassigned=True).accounts
    if accounts == []:
        return None
    senders = [
        account.name
        for account in list(context.registry.accounts.values())
        if (accounts is None or account.name in accounts) and not set(stations).isdisjoint(account.stations)
    ]
    return count_unassigned(context.database, accounts=senders, start=start, end=end)
