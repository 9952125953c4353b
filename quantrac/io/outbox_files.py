"""The files of an outbox: what is put in, what is known of each, and which of them are meant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How far a file has come."""

    WAITING = "waiting"
    """It is to be sent, and was not tried since its content last changed."""
    SENT = "sent"
    """The target has it, in its full size under its final name."""
    COULD_NOT_CONNECT = "could-not-connect"
    """The target was not reached, or refused the login; it is tried again."""
    TRANSFER_ERROR = "transfer-error"
    """The transfer broke off, or the target has another size; it is tried again."""
    REFUSED = "refused"
    """The target refused this very file; it is tried again, and the others go on meanwhile."""
    EMPTY = "empty"
    """There is nothing in it that may be sent."""


@dataclass(frozen=True, slots=True)
class OutboxFile:
    """A file to be sent."""

    group: str
    name: str
    folder: str
    """Where the target is to have it."""
    time: datetime
    """What the order goes by, UTC, to the second."""
    content: bytes
    """Empty where nothing may be sent of it."""
    origin: bytes = b""
    """What its content was made of, for whoever puts it in: comes back by :meth:`Outbox.find`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the outbox without its content. All times are UTC."""

    group: str
    name: str
    folder: str
    time: datetime
    edition: int
    """Counts its contents, from 1 on."""
    state: State
    tries: int
    """Those that reached the target, since the content last changed or the file was told to be sent again."""
    due_at: datetime
    """Before that time it is not tried."""
    changed_at: datetime
    """When its content last changed."""
    state_at: datetime
    """When it came into its state."""
    reason: str
    """Of its state, in words; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files are meant: all of them, or those for which everything that is given holds."""

    group: str = ""
    start: datetime | None = None
    """Inclusive, by the time of the file."""
    end: datetime | None = None
    """Exclusive."""
    states: Collection[State] = ()

    def sql(self) -> tuple[str, list[Any]]:
        """Return a condition of SQL without any text of others, and its values."""
        conditions: list[tuple[str, Sequence[Any]]] = [("1", ())]
        if self.group:
            conditions.append(('"group" = ?', [self.group]))
        if self.start is not None:
            conditions.append(("time >= ?", [self.start.timestamp()]))
        if self.end is not None:
            conditions.append(("time < ?", [self.end.timestamp()]))
        if self.states:
            conditions.append((f"state IN ({', '.join('?' * len(self.states))})", list(self.states)))
        return " AND ".join(text for text, _ in conditions), [v for _, values in conditions for v in values]
