"""Counts and digests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from quantrac.domain.reconciliation.differences import RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level, count_periods
from quantrac.domain.times import DAY_DELTA, HOUR_DELTA, hour_start
from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext, Context
from services.api.common.database import FIRST_TIME, LAST_TIME
from services.api.common.keys import CurrentReader, Reader
from services.api.common.pages import Keyset, SpanFilter, SpanPage, link_to_cursor
from services.api.common.problems import BadParameter
from services.api.common.times import QueryTime, iso
from services.api.digests.answer import Digests, present_rows, present_sums
from services.api.digests.query import count_readings, select_rows, select_sums

router = APIRouter(tags=["Digests"])

MOST_SUMS = 200_000
"""Periods times stations that one question is about; the answer comes in pages of them."""
MOST_FRESH_READINGS = 20_000_000
"""Readings whose hashes are summed up for one question: some five seconds of a core."""
MOST_FRESH_DAYS = 31
MOST_COMPUTED_DAYS = 367
"""Of averages and indices of all stations, whose hashes are always summed up anew."""

_SUMS = Keyset(station=str, starts_at=AwareDatetime)
_ROWS = Keyset(time=AwareDatetime, name=str, period=str)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class DigestsFilter(SpanFilter):
    """What is summed up."""

    by: Literal["year", "month", "day", "hour", "reading"] = "day"
    """Length of the periods that are summed up, or each row by itself; the latter needs a station."""
    subject: Annotated[Subject, Field(alias="of")] = Subject.READINGS
    """Readings, averages or indices, as they stand now."""
    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; each station that the key may read where absent."""
    total: bool = False
    """Sums up all stations together."""
    fresh: bool = False
    """Sums up the readings themselves; else what is kept of each hour as readings come. At most 31 days."""
    ended_before: Annotated[QueryTime | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Of averages and indices only those whose period ended then or earlier; now where absent."""


@router.get("/digests", summary="Sum up what is stored, to compare another tier with", response_model=Digests)
def digests(
    request: Request, filters: Annotated[DigestsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List counts and digests of [from, to) by (station, starts_at), or rows by (time, name, period).

    Two tiers that answer alike have the same rows, of readings in the same versions
    (docs/reconciliation.md). Sums are those of whole hours: [from, to) is widened to them. Periods without
    rows are left out.
    """
    ended_before = filters.ended_before or context.clock()
    if filters.by == "reading":
        return _answer_rows(request, filters, reader, context, ended_before)
    return _answer_sums(request, filters, reader, context, ended_before)


def _answer_sums(
    request: Request, filters: DigestsFilter, reader: Reader, context: Context, ended_before: datetime
) -> UtcJsonResponse:
    start, end = _whole_hours(*filters.span(context.clock()))
    after = SumKey(*_SUMS.decode_cursor(filters.cursor, "", _LONG_AGO))
    limit = filters.effective_limit(context.page_limit)
    level, stations = Level(filters.by), reader.scope(filters.station)
    _check_size(filters, level, (start, end), 1 if filters.station else len(reader.visible_stations()))
    if filters.fresh and filters.subject is Subject.READINGS:
        _check_fresh(context, (start, end), stations)
    sums = select_sums(
        context.database,
        filters.subject,
        level,
        (start, end),
        stations=stations,
        ended_before=ended_before,
        is_fresh=filters.fresh,
    )
    items = sorted((_add_up(sums) if filters.total else sums).items())
    following = [item for item in items if item[0] > after]
    link = None
    if len(following) > limit:
        cursor = _SUMS.encode_cursor(following[limit - 1][0]._asdict())
        link = link_to_cursor(request, cursor, **{"from": iso(start), "to": iso(end)})
    return UtcJsonResponse({"items": present_sums(following[:limit], level), "next": link})


def _answer_rows(
    request: Request, filters: DigestsFilter, reader: Reader, context: Context, ended_before: datetime
) -> UtcJsonResponse:
    if filters.station is None:
        raise BadParameter(("station", "is required by reading"))
    station = reader.station(filters.station).code
    page = SpanPage.from_filters(request, filters, context, _ROWS, "", "")
    rows = select_rows(
        context.database,
        filters.subject,
        station,
        (page.start, page.end),
        ended_before=ended_before,
        after=RowKey(*page.after_key),
        limit=page.row_limit,
    )
    keys = [key._asdict() for key in rows]
    items = present_rows(filters.subject, station, rows)[: page.limit]
    return UtcJsonResponse({"items": items, "next": page.next_link(keys)})


def _whole_hours(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Widen a span to whole hours, within what the tables can hold."""
    start, end = max(start, FIRST_TIME), min(end, LAST_TIME)
    return hour_start(start), hour_start(end + HOUR_DELTA - timedelta(microseconds=1))


def _check_size(filters: DigestsFilter, level: Level, span: tuple[datetime, datetime], stations: int) -> None:
    """Raise :class:`BadParameter` for a question about too much."""
    if span[0] >= span[1]:
        return
    sums = count_periods(level, *span) * max(stations, 1)
    if sums > MOST_SUMS:
        raise BadParameter(
            ("from", f"is {sums:,} sums up to `to`, more than {MOST_SUMS:,}; ask by longer periods first")
        )
    days = (span[1] - span[0]) / DAY_DELTA
    if filters.subject is not Subject.READINGS and filters.station is None and days > MOST_COMPUTED_DAYS:
        raise BadParameter(
            (
                "from",
                f"is {days:.0f} days before `to`, and {filters.subject} of all stations take"
                f" {MOST_COMPUTED_DAYS} at most",
            )
        )


def _check_fresh(context: Context, span: tuple[datetime, datetime], stations: Sequence[str] | None) -> None:
    """Raise :class:`BadParameter` where the hashes of too many readings would be summed up."""
    days = (span[1] - span[0]) / DAY_DELTA
    if days > MOST_FRESH_DAYS:
        raise BadParameter(("fresh", f"takes {MOST_FRESH_DAYS} days at most, these are {days:.0f}"))
    readings = count_readings(context.database, span, stations)
    if readings > MOST_FRESH_READINGS:
        raise BadParameter(
            ("fresh", f"takes {MOST_FRESH_READINGS:,} readings at most, these are {readings:,}")
        )


def _add_up(sums: Mapping[SumKey, Sum]) -> Mapping[SumKey, Sum]:
    """Return the sums of all stations together, under the station ``""``."""
    totals: dict[SumKey, Sum] = {}
    for key, (rows, digest) in sums.items():
        total_key = key._replace(station="")
        before = totals.get(total_key, Sum(0, 0))
        totals[total_key] = Sum(before.rows + rows, (before.digest + digest) % 2**64)
    return totals
