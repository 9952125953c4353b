"""The stations and accounts that one member of the group watches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.aggregator.watch.causes import new_account, new_station
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import CauseState, Context, WatchedStation


class Subjects:
    """What is remembered of each station and account; those of another member are left out."""

    def __init__(self, is_own: Callable[[bytes], bool]) -> None:
        """``is_own`` tells of the key of messages, a station's code or an account's name."""
        self._is_own = is_own
        self._stations: dict[str, WatchedStation | None] = {}
        self._accounts: dict[str, WatchedStation | None] = {}

    def __iter__(self) -> Iterator[WatchedStation]:
        for subjects in (self._stations, self._accounts):
            yield from [subject for subject in subjects.values() if subject is not None]

    def station(self, code: str) -> WatchedStation | None:
        """Return what is remembered of a station; ``None`` where another member watches it."""
        if code not in self._stations:
            self._stations[code] = new_station(code) if self._is_own(code.encode()) else None
        return self._stations[code]

    def account(self, name: str) -> WatchedStation | None:
        """Return what is remembered of an account; ``None`` where another member watches it."""
        if name not in self._accounts:
            self._accounts[name] = new_account(name) if self._is_own(name.encode()) else None
        return self._accounts[name]


@dataclass(frozen=True, slots=True)
class StatesOfCause:
    """Satisfies :class:`services.aggregator.watch.causes.cause.States`."""

    kind: str
    subjects: Subjects
    rules: WatchRules
    context: Callable[[str], Context]

    def of(self, station: str) -> CauseState | None:
        """Return the cause's state of a station."""
        subject = self.subjects.station(station)
        return subject.states.get(self.kind) if subject else None

    def of_account(self, account: str) -> CauseState | None:
        """Return the cause's state of an account."""
        subject = self.subjects.account(account)
        return subject.states.get(self.kind) if subject else None

    def __iter__(self) -> Iterator[CauseState]:
        return iter([s.states[self.kind] for s in self.subjects if self.kind in s.states])
