"""``alert``: something a duty officer should know, opened, updated and closed under one id."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.messages.base import Count, Message, Millisecond, ParameterCode, Second, StationCode

AlertKind = Literal[
    "station-silent",
    "parameter-silent",
    "data-incomplete",
    "analyser-stuck",
    "limit-exceeded",
    "warning-level",
    "backlog-arriving",
    "lines-rejected",
    "files-unassigned",
    "logins-refused",
    "reconciliation",
    "data-share-faulty",
]


class Alert(Message):
    """One state of one alert; messages with the same ``alert_id`` supersede each other by ``version``.

    There is one open alert a cause: kind, station (or account, or address), parameter, limit or reason.
    """

    alert_id: str
    """Function of the cause and the opening time, so that what is sent again carries the same one."""
    kind: AlertKind
    severity: Literal["info", "warning", "critical"]
    state: Literal["opened", "updated", "closed"]
    version: Annotated[Count, Field(ge=1)]
    """Counts the states of this alert."""
    station: StationCode | None = None
    """Absent where it is about files of no station, about logins or about the ministry: ``facts`` says of
    which account."""
    parameter: ParameterCode | None = None
    """Absent when the whole station is meant."""
    opened_at: Second
    """When the cause began to hold, by the data, UTC."""
    changed_at: Millisecond
    """When this state came about, UTC."""
    detail: str
    """One sentence, English; its times are on Vietnam's clock, with the offset."""
    facts: Annotated[dict[str, str | float], Field(default_factory=dict)]
    """What the sentence is made of, for pages in other languages; times ISO 8601 in UTC."""
