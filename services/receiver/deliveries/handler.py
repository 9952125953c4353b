"""The ministry's side of a delivery: check each line, produce the good ones, answer with a receipt.

A receipt is a promise, so it is issued only after the broker has confirmed every set. A delivery that comes
again gets the same receipt and produces nothing.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import ValidationError

from quantrac.domain.bounds import MEASURED_AHEAD
from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import DeliveryFailed, Producer, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.deliveries import Receipt, RejectedSet
from schemas.messages.readings import FlaggedSet as FlaggedSetContract
from schemas.topics import LARGEST_MESSAGE_BYTES

MAX_SETS = 10_000
"""Lines of one delivery; ten times what a forwarder sends, and a bound on the receipt's length."""

CLOCK_ALLOWANCE = timedelta(minutes=10)
"""How far a time of receipt may lie after the ministry's clock."""

# How long a request waits for another one's sets to be confirmed before its sender is told to come back.
_LOCK_SECONDS = 10.0


class TooManySets(ValueError):
    """The delivery has more than :data:`MAX_SETS` lines."""


class NoProvinces(Exception):
    """The account names no province: its entry in the registry is wrong, not what it delivers."""


class BrokerAway(Exception):
    """The broker has not confirmed the sets; no receipt is stored and the sender must send again."""


class ReceiptStore(Protocol):
    """Receipts by account and delivery."""

    def find(self, account: str, delivery_id: str) -> Receipt | None:
        """Return the receipt of an earlier answer, or ``None``."""
        ...

    def add(self, account: str, receipt: Receipt) -> None:
        """Store a receipt; losing one is harmless, since rows are idempotent by key."""
        ...


class DeliveryHandler:
    """Takes the deliveries of all provinces, one at a time."""

    def __init__(
        self,
        *,
        producer: Producer,
        ledger: ReceiptStore,
        clock: Callable[[], datetime],
        topic: str,
        registry: Registry,
        ahead: timedelta = CLOCK_ALLOWANCE,
    ) -> None:
        """``ahead`` is how far a time of receipt may lie after ``clock``."""
        self._producer, self._ledger, self._clock, self._topic = producer, ledger, clock, topic
        self._registry, self._ahead = registry, ahead
        # One at a time: a flush reports the failures of everything produced before it, whoever produced it,
        # and the same delivery sent twice at once must be produced once.
        self._lock = threading.Lock()

    def accept(self, account: Account, body: bytes) -> Receipt:
        """Produce the sets of a delivery (uncompressed body) and return its receipt.

        Raises `NoProvinces`, `TooManySets` or `BrokerAway`.
        """
        if not account.provinces:
            raise NoProvinces(f"account {account.name} names no province in the registry")
        delivery_id = file_id(body)
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            raise BrokerAway("other deliveries are still waiting for the broker")
        try:
            receipt = self._ledger.find(account.name, delivery_id)
            if receipt is not None:
                return receipt.model_copy(update={"duplicate": True})
            return self._produce(account, delivery_id, body)
        finally:
            self._lock.release()

    def _produce(self, account: Account, delivery_id: str, body: bytes) -> Receipt:
        records: list[Record] = []
        rejected: list[RejectedSet] = []
        latest = self._clock() + self._ahead
        for number, line in enumerate(_lines(body), start=1):
            try:
                flagged = _decode(line)
                _check_rights(flagged, account, self._registry)
                _check_receipt(flagged, latest)
            except ValueError as error:
                rejected.append(RejectedSet(line=number, reason=str(error)))
            else:
                records.append(_record(flagged, line, account, delivery_id, self._topic))
        # 1. produce  2. flush: every message is confirmed
        try:
            self._producer.produce(records)
            self._producer.flush()
        except DeliveryFailed as error:
            raise BrokerAway(f"the broker did not confirm the sets: {error}") from error
        # 3. store the receipt  4. answer
        receipt = Receipt(
            delivery_id=delivery_id,
            accepted=len(records),
            duplicate=False,
            rejected=rejected,
            received_at=self._clock(),
        )
        self._ledger.add(account.name, receipt)
        return receipt


def _lines(body: bytes) -> list[bytes]:
    lines = body.removesuffix(b"\n").split(b"\n", MAX_SETS)
    if len(lines) > MAX_SETS:
        raise TooManySets(f"a delivery may hold {MAX_SETS} sets")
    return lines


def _decode(line: bytes) -> FlaggedSet:
    """Decode a set as every reader downstream will, and check it against the whole contract.

    Fields that a newer province adds are let through. Raises ``ValueError`` with one sentence.
    """
    if len(line) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"not a flagged set: {len(line)} bytes, more than {LARGEST_MESSAGE_BYTES}")
    try:
        flagged = decode_flagged_set(line)
        FlaggedSetContract.model_validate_json(line, extra="ignore")
    except BadMessage as error:
        raise ValueError(f"not a flagged set: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"not a flagged set: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return flagged


def _check_rights(flagged: FlaggedSet, account: Account, registry: Registry) -> None:
    """Raise ``ValueError`` where an account may not deliver a set, by what the registry says now."""
    if not flagged.station:
        raise ValueError("the set has no station")
    station = registry.stations.get(flagged.station)
    if station is None:
        raise ValueError(f"station {flagged.station} is not in the ministry's registry")
    if station.province not in account.provinces:
        raise ValueError(
            f"account {account.name} may not deliver for province {station.province}, where station"
            f" {station.code} is"
        )
    if account.stations and station.code not in account.stations:
        raise ValueError(f"account {account.name} may not deliver for station {station.code}")


def _check_receipt(flagged: FlaggedSet, latest: datetime) -> None:
    """Raise ``ValueError`` for a time of receipt after ``latest``, or one before the readings were made.

    The file received later wins: with a time of the future nothing true could replace a reading. A logger's
    clock may be as far ahead as the parser takes it to be a clock.
    """
    if flagged.received_at > latest:
        raise ValueError(f"received_at: {flagged.received_at.isoformat()} lies after the ministry's clock")
    newest = max(flagged.readings.measured_at, default=flagged.received_at)
    if newest > flagged.received_at + MEASURED_AHEAD:
        raise ValueError(
            f"received_at: {flagged.received_at.isoformat()} lies over {MEASURED_AHEAD.days} days before"
            f" a reading of {newest.isoformat()}"
        )


def _record(flagged: FlaggedSet, line: bytes, account: Account, delivery_id: str, topic: str) -> Record:
    headers = {
        "file_id": flagged.file_id.encode(),
        "traceparent": traceparent(flagged.file_id).encode(),
        "delivery_id": delivery_id.encode(),
        "account": account.name.encode(),
    }
    return Record(topic, flagged.station.encode(), line, headers)
