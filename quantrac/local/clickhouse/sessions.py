"""Sessions: a handle that stays open between requests, with its temporary tables and its own SETs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from quantrac.local.clickhouse.engine import Handle
from quantrac.local.clickhouse.errors import EngineError

_DEFAULT_TIMEOUT_SECONDS = 60.0
_LONGEST_TIMEOUT_SECONDS = 3600.0


@dataclass(slots=True)
class _Session:
    handle: Handle
    timeout: float
    last_used: float
    busy: bool = True


class Sessions:
    """The open sessions by `session_id`. Used from the event loop only."""

    def __init__(self, open_handle: Callable[[], Handle], now: Callable[[], float] = time.monotonic) -> None:
        self._open_handle = open_handle
        self._now = now
        self._sessions: dict[str, _Session] = {}

    def take(self, name: str, timeout: str, must_exist: bool) -> Handle:
        """Take the session's handle for one statement, making the session if need be."""
        self._close_idle()
        session = self._sessions.get(name)
        if session is None:
            if must_exist:
                raise EngineError.with_name(372, "SESSION_NOT_FOUND", f"Session {name} not found")
            session = _Session(self._open_handle(), _seconds(timeout), self._now())
            self._sessions[name] = session
        elif session.busy:
            raise EngineError.with_name(
                373, "SESSION_IS_LOCKED", f"Session {name} is locked by a concurrent client"
            )
        session.busy = True
        return session.handle

    def give_back(self, name: str, usable: bool) -> None:
        """End the statement; a handle that could not be reset goes, and the session with it."""
        session = self._sessions[name]
        session.busy, session.last_used = False, self._now()
        if not usable:
            self._sessions.pop(name).handle.close()

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions.values():
            session.handle.close()
        self._sessions.clear()

    def _close_idle(self) -> None:
        now = self._now()
        idle = [name for name, s in self._sessions.items() if not s.busy and now - s.last_used > s.timeout]
        for name in idle:
            self._sessions.pop(name).handle.close()


def _seconds(text: str) -> float:
    try:
        return min(float(text), _LONGEST_TIMEOUT_SECONDS) if text else _DEFAULT_TIMEOUT_SECONDS
    except ValueError:
        raise EngineError.with_name(
            374, "INVALID_SESSION_TIMEOUT", f"Invalid session timeout: '{text}'"
        ) from None
