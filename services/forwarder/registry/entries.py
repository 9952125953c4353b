"""The province's stations, and what the ministry has said about each. Pure, but for its lock."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from quantrac.domain.registry.approvals import RequestState
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import (
    EntryAnswer,
    RegistryAnswer,
    RegistryRequest,
    RegistryRequests,
    RequestStatus,
)
from schemas.registry_requests import entry_version, mark_changed, status_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A station's entry as the registry has it now."""

    station: str
    province: str
    version: str
    content: bytes
    """As it is posted: JSON, without what is left at its default, so that a ministry of an older release can
    read what does not use newer fields."""


class _Answered(NamedTuple):
    """What the ministry has answered about a station."""

    version: str
    """Of the entry that was posted."""
    listed: str
    """The version that the ministry gives that entry: another one where it is of another release."""


class Entries:
    """Which entries the ministry has to be asked for, and the requests as the province keeps them."""

    def __init__(self, account: str, clock: Callable[[], datetime]) -> None:
        """``account``: the province's at the ministry."""
        self._account, self._clock = account, clock
        self._entries: dict[str, Entry] = {}
        self._statuses: dict[str, RequestStatus] = {}
        self._answered: dict[str, _Answered] = {}
        """By station."""
        self._lock = threading.Lock()

    def apply_registry(self, key: bytes, value: bytes | None) -> None:
        """Apply a record of ``station-registry``; raises ``ValueError`` for a station that is none."""
        kind, _, code = key.decode().partition("/")
        if kind != "station":
            return
        entry = None
        if value is not None:
            station = Station.model_validate_json(value)
            content = station.model_dump_json(exclude_defaults=True).encode()
            entry = Entry(code, station.province, entry_version(station), content)
        with self._lock:
            self._entries.pop(code, None)
            self._entries.update({} if entry is None else {code: entry})

    def apply_request(self, _key: bytes, value: bytes | None) -> None:
        """Apply a record of the province's own ``registry-request``, from before this start."""
        if value is not None:
            status = status_of(RegistryRequest.model_validate_json(value))
            with self._lock:
                self._statuses[status.station] = status
                self._answered[status.station] = _Answered(status.version, status.version)

    def list_due(self) -> Sequence[Entry]:
        """Return the entries that the ministry has not answered, by code."""
        with self._lock:
            return [entry for _, entry in sorted(self._entries.items()) if self._is_due(entry)]

    def are_answered(self, codes: Iterable[str]) -> bool:
        """Tell whether the ministry has answered the present entries of stations; an unknown one has none."""
        with self._lock:
            entries = [self._entries[code] for code in codes if code in self._entries]
            return not any(map(self._is_due, entries))

    def take_answer(self, posted: Sequence[Entry], answer: RegistryAnswer) -> list[RegistryRequest]:
        """Note the answer to a post; returns the requests that are none there and stand in no list.

        Raises ``ValueError`` where it is no answer to this post.
        """
        if [entry.position for entry in answer.entries] != list(range(1, len(posted) + 1)):
            raise ValueError(f"{len(posted)} entries were posted and {len(answer.entries)} are answered")
        with self._lock:
            refused = []
            for entry, reply in zip(posted, answer.entries, strict=True):
                self._answered[entry.station] = _Answered(entry.version, reply.version or entry.version)
                if not reply.version:
                    refused.append(self._refusal_status(entry, reply))
            return self._take(refused)

    def take_list(self, answer: RegistryRequests) -> list[RegistryRequest]:
        """Note what the ministry lists; returns the requests that stand otherwise than before.

        An entry that it does not list, or lists in another version, is due again.
        """
        listed = {status.station: status for status in answer.requests}
        with self._lock:
            current = []
            for code, entry in self._entries.items():
                status = listed.get(code)
                versions = (entry.version, *([] if self._is_due(entry) else [self._answered[code].listed]))
                if status is not None and status.version in versions:
                    self._answered[code] = _Answered(entry.version, status.version)
                    current.append(status)
                elif not self._is_refused(code):
                    self._answered.pop(code, None)
            return self._take(current)

    def forget_refusals(self) -> None:
        """Let entries that are no requests at the ministry be posted again."""
        with self._lock:
            for code in [code for code in self._answered if self._is_refused(code)]:
                del self._answered[code]

    def _take(self, statuses: Iterable[RequestStatus]) -> list[RegistryRequest]:
        """Remember statuses; returns those that are news, with their entries, as of now."""
        requests = []
        for status in statuses:
            before = self._statuses.get(status.station)
            if before is not None and status.model_copy(update={"changed_at": before.changed_at}) == before:
                continue
            news = mark_changed(status, before, self._clock())
            self._statuses[news.station] = news
            entry = Station.model_validate_json(self._entries[news.station].content)
            requests.append(RegistryRequest(**dict(news), entry=entry))
        return requests

    def _refusal_status(self, entry: Entry, reply: EntryAnswer) -> RequestStatus:
        before, now = self._statuses.get(entry.station), self._clock()
        return RequestStatus(
            station=entry.station,
            province=entry.province,
            account=self._account,
            version=entry.version,
            state=reply.state,
            takes_sets=False,
            reason=reply.reason,
            sent_at=before.sent_at if before and before.version == entry.version else now,
            changed_at=now,
        )

    def _is_due(self, entry: Entry) -> bool:
        answered = self._answered.get(entry.station)
        return answered is None or answered.version != entry.version

    def _is_refused(self, code: str) -> bool:
        """Tell whether the present entry is no request at the ministry, by its answer to the post."""
        status, entry = self._statuses.get(code), self._entries.get(code)
        return (
            status is not None
            and entry is not None
            and status.version == entry.version
            and status.state is RequestState.REJECTED
            and status.decided_at is None
        )
