"""Exceedances of limits, and what every list of episodes can be asked for."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.common.answers import PlainJson
from services.api.common.context import InContext
from services.api.common.database import FIRST
from services.api.common.keys import Asking
from services.api.common.pages import Keyset, SpanPage, SpanQuery
from services.api.common.times import Moment
from services.api.exceedances import query as queries
from services.api.exceedances.answer import Exceedances, present_exceedance

router = APIRouter(tags=["Exceedances"])

_ORDER = Keyset(starts_at=AwareDatetime, station=str, parameter=str, period=str, standard=str, column=str)
# The longest period but the year.
_DEFAULT_SPAN = timedelta(days=31)


class EpisodesFilter(SpanQuery):
    """Whose episodes, by the time they began."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""
    province: Annotated[str | None, Field(pattern=r"^\d{2}$")] = None
    """Only stations of this province; two-digit code of Decision 19/2025/QĐ-TTg."""
    from_: Annotated[Moment | None, Field(alias="from", examples=["2026-03-25T00:00:00+07:00"])] = None
    """Inclusive, and before `to`; ISO 8601 with a zone. 31 days before `to` where absent; where only open
    ones are asked for, they are given however long ago they began."""

    @property
    def only_open(self) -> bool:
        """Whether nothing that is over is asked for."""
        raise NotImplementedError

    def earliest(self, end: datetime) -> datetime:
        """Return the start where `from` is absent; what is still open is news whatever its age."""
        return FIRST if self.only_open else end - _DEFAULT_SPAN


class ExceedancesFilter(EpisodesFilter):
    """Which exceedances."""

    parameter: Annotated[str | None, Field(min_length=1, examples=["PM2.5"])] = None
    """Catalogue code; all parameters where absent."""
    open: bool | None = None
    """Only those after which no complete average within the limit is known, or only the others."""
    as_of: Annotated[Moment | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Answers what stood at that time, with what has been withdrawn since; ISO 8601 with a zone."""

    @property
    def only_open(self) -> bool:
        """Whether nothing that is over is asked for."""
        return self.open is True


@router.get("/exceedances", summary="List exceedances of limits", response_model=Exceedances)
def exceedances(
    request: Request, query: Annotated[ExceedancesFilter, Query()], reader: Asking, context: InContext
) -> PlainJson:
    """List episodes that begin in [from, to): complete averages, one after the other, beyond one limit.

    As they stand or stood at `as_of`; what later data left nothing of is withdrawn and not given.
    """
    page = SpanPage.of(request, query, context, _ORDER, "", "", "", "", "")
    rows = queries.page(
        context.database,
        stations=reader.scope(query.station, query.province),
        parameter=query.parameter,
        is_open=query.open,
        after=page.after,
        end=page.end,
        limit=page.wanted,
        as_of=query.as_of,
    )
    items = [present_exceedance(row, reader.zone(row["station"])) for row in rows[: page.limit]]
    return PlainJson({"items": items, "next": page.next(rows)})
