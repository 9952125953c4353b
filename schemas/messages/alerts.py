"""``alert``: something a duty officer should know, opened, updated and closed under one id."""

from typing import Literal

from schemas.messages.base import Message, StationCode, Utc


class Alert(Message):
    """One state of one alert; messages with the same ``alert_id`` supersede each other."""

    alert_id: str
    """Function of kind, station, parameter and opening time."""
    kind: Literal["station-silent", "limit-exceeded", "analyser-stuck"]
    state: Literal["opened", "updated", "closed"]
    station: StationCode
    parameter: str | None = None
    """Absent when the whole station is meant."""
    opened_at: Utc
    changed_at: Utc
    detail: str
    """One sentence."""
