"""Exceedances of limits."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.episodes import EpisodesFilter
from services.api.common.keys import CurrentReader
from services.api.common.names import ParameterName, resolve_parameter
from services.api.common.pages import Keyset, SpanPage
from services.api.common.times import QueryTime
from services.api.exceedances.answer import Exceedances, present_exceedance
from services.api.exceedances.query import select_exceedances

router = APIRouter(tags=["Exceedances"])

_ORDER = Keyset(starts_at=AwareDatetime, station=str, parameter=str, period=str, standard=str, column=str)


class ExceedancesFilter(EpisodesFilter):
    """Which exceedances."""

    parameter: ParameterName | None = None
    """Catalogue code, or another name that the catalogue knows; all parameters where absent."""
    open: bool | None = None
    """Only those after which no complete average within the limit is known, or only the others."""
    as_of: Annotated[QueryTime | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Answers what stood at that time, with what has been withdrawn since; ISO 8601 with a zone."""

    @property
    def is_open_only(self) -> bool:
        """Whether episodes that have ended are left out."""
        return self.open is True


@router.get("/exceedances", summary="List exceedances of limits", response_model=Exceedances)
def exceedances(
    request: Request,
    filters: Annotated[ExceedancesFilter, Query()],
    reader: CurrentReader,
    context: ApiContext,
) -> UtcJsonResponse:
    """List episodes that begin in [from, to): complete averages, one after the other, beyond one limit.

    As they stand or stood at `as_of`; what later data left nothing of is withdrawn and not given.
    """
    page = SpanPage.from_filters(request, filters, context, _ORDER, "", "", "", "", "")
    rows = select_exceedances(
        context.database,
        stations=reader.scope(filters.station, filters.province),
        parameter=resolve_parameter(filters.parameter, reader.stations_of(filters.station)),
        is_open=filters.open,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
        as_of=filters.as_of,
    )
    items = [present_exceedance(row, reader.zone(row["station"])) for row in rows[: page.limit]]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})
