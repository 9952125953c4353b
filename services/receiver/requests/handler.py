"""Takes the entries that provinces post, and answers how far each has come."""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.approvals import RequestState
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import (
    EntryAnswer,
    RegistryAnswer,
    RegistryRequest,
    RegistryRequests,
)
from schemas.registry import record_key
from schemas.registry_requests import (
    approve,
    decision_time,
    encode_request,
    entry_version,
    follow_registry,
    mark_changed,
    request_key,
    status_of,
)
from services.receiver.requests.entries import read_code, read_entries, read_station
from services.receiver.requests.rights import check_rights
from services.receiver.requests.table import RequestTable

log = logging.getLogger(__name__)

MOST_REQUESTS = 10_000
"""Of one account: several times the country's stations, and a bound on the table."""

AUTOMATIC = "automatic approval"
"""Who decided, where the configuration approves a province's stations."""

# A forwarder waits 30 s for its answer; it must hear "later" before that.
_TURN_SECONDS = 10.0


class NoProvinces(Exception):
    """The account names no province: its entry in the registry is wrong, not what it posts."""


class BrokerAway(Exception):
    """The broker has not confirmed the requests; the sender must send again."""


class Writes(Protocol):
    """Writes messages of several threads."""

    def write(self, records: Sequence[Record]) -> None:
        """Write messages and wait until all are confirmed; raises ``DeliveryFailed``."""
        ...


class RequestHandler:
    """Takes posts of all provinces, one at a time, and lists an account's requests."""

    def __init__(
        self,
        *,
        table: RequestTable,
        registry: Registry,
        writes: Writes,
        clock: Callable[[], datetime],
        request_topic: str,
        registry_topic: str,
        automatic: Collection[str] = (),
    ) -> None:
        """``automatic``: codes of the provinces whose entries are approved without a person."""
        self._table, self._registry, self._writes, self._clock = table, registry, writes, clock
        self._request_topic, self._registry_topic = request_topic, registry_topic
        self._automatic = frozenset(automatic)

    def post(self, account: Account, body: bytes) -> RegistryAnswer:
        """Take the entries of a post (uncompressed body); an entry that is no news changes nothing.

        Raises `NoProvinces`, `BadPost`, `TooManyEntries` or `BrokerAway`.
        """
        entries = read_entries(body)
        _check_account(account)
        if not self._table.writing.acquire(timeout=_TURN_SECONDS):
            raise BrokerAway("other posts are still waiting for the broker")
        try:
            answers = self._take(account, entries)
        finally:
            self._table.writing.release()
        return RegistryAnswer(registry_version=self._table.version_for(account), entries=answers)

    def list_requests(self, account: Account) -> RegistryRequests:
        """Return the requests of the stations that an account may deliver for; raises `NoProvinces`."""
        _check_account(account)
        # In this order: a change between the two is told with the next answer.
        version = self._table.version_for(account)
        requests = [status_of(request) for request in self._table.requests_of(account)]
        return RegistryRequests.model_construct(registry_version=version, requests=requests)

    def _take(self, account: Account, entries: Sequence[bytes]) -> list[EntryAnswer]:
        answers: list[EntryAnswer] = []
        posted: dict[str, RegistryRequest] = {}
        records: list[Record] = []
        count = len(self._table.requests_of(account))
        for position, entry in enumerate(entries, start=1):
            code = read_code(entry)
            try:
                station = read_station(entry)
                # Neither may the entry be of another province, nor the code that of another's station.
                for province in (station.province, self._table.province_of(code) or station.province):
                    check_rights(code, province, account)
                if code in posted:
                    raise ValueError(f"station {code} stands in this post already")
                request = self._table.get(code)
                if request is None and count >= MOST_REQUESTS:
                    raise ValueError(f"account {account.name} has {MOST_REQUESTS} requests already")
            except ValueError as error:
                answers.append(_reject(position, code, str(error)))
                continue
            if request is None or request.version != entry_version(station):
                count += request is None
                request, changes = self._open(station, account, request)
                records += changes
            posted[code] = request
            answers.append(
                EntryAnswer(
                    position=position,
                    station=code,
                    version=request.version,
                    state=request.state,
                    reason=request.reason,
                )
            )
        self._write(records)
        rejected = len(answers) - len(posted)
        log.info("%s posted %d entries: %d were rejected", account.name, len(answers), rejected)
        return answers

    def _open(
        self, station: Station, account: Account, before: RegistryRequest | None
    ) -> tuple[RegistryRequest, list[Record]]:
        """Return a new request, and the records that make it so."""
        now = self._clock()
        request = RegistryRequest(
            station=station.code,
            province=station.province,
            account=account.name,
            version=entry_version(station),
            entry=station,
            state=RequestState.WAITING,
            takes_sets=False,
            sent_at=now,
            changed_at=now,
            released_at=before.released_at if before else None,
            released_offset=before.released_offset if before else 0,
        )
        request = mark_changed(self._table.follow(request), before, now)
        records: list[Record] = []
        if request.state is RequestState.WAITING and self._is_automatic(station):
            at = decision_time(now, self._registry.approvals.get(station.code))
            decision = approve(request, by=AUTOMATIC, reason="", at=at)
            records = [
                Record(self._registry_topic, record_key(record), record.model_dump_json().encode())
                for record in decision
            ]
            request = follow_registry(request, station, decision[1].to_domain())
        value = encode_request(request)
        return request, [*records, Record(self._request_topic, request_key(station.code), value)]

    def _is_automatic(self, station: Station) -> bool:
        """Tell whether an entry is approved without a person: not after a person's rejection."""
        approval = self._registry.approvals.get(station.code)
        is_rejected = approval is not None and approval.state is RequestState.REJECTED
        return station.province in self._automatic and not is_rejected

    def _write(self, records: Sequence[Record]) -> None:
        if not records:
            return
        try:
            self._writes.write(records)
        except DeliveryFailed as error:
            raise BrokerAway(f"the broker did not confirm the requests: {error}") from error
        # The next delivery meets them, whenever the topics' readers come so far.
        for record in records:
            is_request = record.topic == self._request_topic
            apply = self._table.apply_request if is_request else self._table.apply_registry
            apply(record.key, record.value)


def _reject(position: int, code: str, reason: str) -> EntryAnswer:
    state = RequestState.REJECTED
    return EntryAnswer(position=position, station=code, version="", state=state, reason=reason)


def _check_account(account: Account) -> None:
    if not account.provinces:
        raise NoProvinces(f"account {account.name} names no province in the registry")
