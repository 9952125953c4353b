"""Alerts as they are answered."""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from schemas.messages.alerts import AlertKind
from services.api.common.answers import AnswerModel, Row


class Alert(AnswerModel):
    """Something a duty officer should know, in its present state."""

    alert_id: str
    """The same from its opening to its end, and in what is sent out about it."""
    kind: AlertKind
    """What is wrong."""
    severity: Literal["info", "warning", "critical"]
    """How much it matters."""
    state: Literal["opened", "updated", "closed"]
    """Opened and updated are open."""
    version: int
    """Counts its states."""
    station: str | None
    """Null where it is about files of no station or about logins: `facts` names account or address."""
    parameter: str | None
    """Catalogue code; null = the whole station."""
    opened_at: datetime
    """When the cause began to hold, by the data, UTC."""
    opened_at_local: datetime
    """On the station's clock."""
    changed_at: datetime
    """When this state came about, UTC."""
    detail: str
    """One sentence."""
    facts: dict[str, str]
    """What the sentence is made of; times ISO 8601 in UTC."""


class Alerts(AnswerModel):
    """A page of alerts."""

    items: list[Alert]
    next: str | None
    """Link to the next page; null on the last."""


def present_alert(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """Present a row of ``alerts`` as :class:`Alert`."""
    return {
        **row,
        "station": row["station"] or None,
        "parameter": row["parameter"] or None,
        "opened_at_local": row["opened_at"].astimezone(zone),
    }
