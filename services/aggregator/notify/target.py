"""What the notifier needs of a target, and the two ways in which it can refuse."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one target."""

    id: str
    """``alert_id/version``, or of a digest a function of those it holds: the same at every attempt."""
    answers: str
    """Id of the notice that opened the alert; empty where this one does, or where a digest did."""
    subject: str
    text: str
    """Plain; lines end with ``\\n``."""
    payload: dict[str, Any]
    """The same for programs: ``type``, ``timestamp`` and ``data``, as JSON has them."""
    at: datetime
    """When it was written, UTC."""


class TargetAway(Exception):
    """No answer, or one that says "later"; the same notice will be fine another time."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds the target asked to wait; 0 when it named none."""


class TargetRefused(Exception):
    """The target answered no to this notice, for good."""


class Channel(Protocol):
    """The way to one target."""

    def send(self, notice: Notice) -> str:
        """Hand over one notice; returns the target's objection to a part of it, else an empty text.

        Raises :class:`TargetAway` or :class:`TargetRefused`.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
