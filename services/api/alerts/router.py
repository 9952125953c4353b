"""Alerts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from schemas.messages.alerts import AlertKind
from services.api.alerts.answer import Alerts, present_alert
from services.api.alerts.query import select_alerts
from services.api.common.answers import UtcJsonResponse
from services.api.common.context import ApiContext
from services.api.common.episodes import EpisodesFilter
from services.api.common.keys import CurrentReader
from services.api.common.pages import Keyset, SpanPage

router = APIRouter(tags=["Alerts"])

_ORDER = Keyset(opened_at=AwareDatetime, station=str, kind=str, parameter=str, alert_id=str)
_IS_OPEN = {"open": True, "closed": False, "all": None}


class AlertsFilter(EpisodesFilter):
    """Which alerts."""

    kind: AlertKind | None = None
    """Only alerts of this kind."""
    severity: Literal["info", "warning", "critical"] | None = None
    """Only alerts that matter this much."""
    state: Literal["open", "closed", "all"] = "open"
    """Whether the cause still holds."""

    @property
    def is_open_only(self) -> bool:
        """Whether episodes that have ended are left out."""
        return self.state == "open"


@router.get("/alerts", summary="List alerts", response_model=Alerts)
def alerts(
    request: Request, filters: Annotated[AlertsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> UtcJsonResponse:
    """List alerts that were opened in [from, to), in their present state; without more, all that are open."""
    page = SpanPage.from_filters(request, filters, context, _ORDER, "", "", "", "")
    rows = select_alerts(
        context.database,
        stations=reader.scope(filters.station, filters.province),
        kind=filters.kind,
        severity=filters.severity,
        is_open=_IS_OPEN[filters.state],
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
    )
    items = [present_alert(row, reader.zone(row["station"])) for row in rows[: page.limit]]
    return UtcJsonResponse({"items": items, "next": page.next_link(rows)})
