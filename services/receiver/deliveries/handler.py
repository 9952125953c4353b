"""The ministry's side of a delivery: judge each line, produce the good ones, answer with a receipt.

A receipt is a promise, so it is issued only after the broker has confirmed every set and the ministry's own
copy of the receipt. A delivery that comes again gets the same receipt and produces nothing.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Protocol

from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.deliveries import Receipt
from services.receiver.deliveries.judge import judge_lines, select_accepted
from services.receiver.deliveries.receipts import ReceiptWriter, build_delivery_receipt
from services.receiver.requests.table import RequestTable

log = logging.getLogger(__name__)

CLOCK_ALLOWANCE = timedelta(minutes=10)
"""How far a time of receipt may lie after the ministry's clock."""

MOST_AT_ONCE = 16
"""Deliveries that are judged and written at the same time: with 64 MiB each they bound the memory."""

# How long a request waits for room, or for the same delivery in another request, before its sender is told to
# come back: with both writes below the 30 s that a forwarder waits.
_TURN_SECONDS = 5.0


class NoProvinces(Exception):
    """The account names no province: its entry in the registry is wrong, not what it delivers."""


class BrokerAway(Exception):
    """The broker has not confirmed the sets; no receipt is stored and the sender must send again."""


class ReceiptStore(Protocol):
    """Receipts by account and delivery; used by several threads."""

    def find(self, account: str, delivery_id: str) -> Receipt | None:
        """Return the receipt of an earlier answer, or ``None``."""
        ...

    def add(self, receipt: Receipt) -> None:
        """Store a receipt; losing one is harmless, since rows are idempotent by key."""
        ...


class Writes(Protocol):
    """What is needed of :class:`services.receiver.deliveries.confirmed_writes.ConfirmedWrites`."""

    def write(self, records: Sequence[Record]) -> None:
        """Write messages and wait until all are confirmed; raises ``DeliveryFailed``."""
        ...


class DeliveryHandler:
    """Takes the deliveries of all provinces, several at once; the same one twice at once is produced once."""

    def __init__(
        self,
        *,
        writes: Writes,
        ledger: ReceiptStore,
        receipts: ReceiptWriter,
        clock: Callable[[], datetime],
        topic: str,
        receipt_topic: str,
        registry: Registry,
        requests: RequestTable | None = None,
        unapproved_topic: str = "unapproved-set",
        ahead: timedelta = CLOCK_ALLOWANCE,
    ) -> None:
        """``requests`` says which sets go to ``unapproved_topic`` and wait there; without it none does.

        ``ahead`` is how far a time of receipt may lie after ``clock``.
        """
        self._writes, self._ledger, self._receipts, self._clock = writes, ledger, receipts, clock
        self._topic, self._receipt_topic, self._unapproved_topic = topic, receipt_topic, unapproved_topic
        self._requests, self._ahead = requests or RequestTable(registry), ahead
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Future[Receipt]] = {}
        """By account and delivery."""

    def accept(self, account: Account, body: bytes) -> Receipt:
        """Produce the sets of a delivery (uncompressed body) and return its receipt.

        Raises `NoProvinces`, `TooManySets` or `BrokerAway`.
        """
        if not account.provinces:
            raise NoProvinces(f"account {account.name} names no province in the registry")
        delivery_id = file_id(body)
        key, own = (account.name, delivery_id), Future[Receipt]()
        with self._lock:
            first = self._under_way.setdefault(key, own)
        if first is not own:
            return _as_duplicate(_await(first))
        try:
            own.set_result(self._answer(account, delivery_id, body))
        except BaseException as error:
            own.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[key]
        return own.result().model_copy(update={"registry_version": self._requests.version_for(account)})

    def _answer(self, account: Account, delivery_id: str, body: bytes) -> Receipt:
        # Asked only once this delivery is under way: another request of it has ended before, and stored its.
        receipt = self._ledger.find(account.name, delivery_id)
        if receipt is not None:
            return _as_duplicate(receipt)
        if not self._room.acquire(timeout=_TURN_SECONDS):
            raise BrokerAway("other deliveries are still waiting for the broker")
        try:
            return self._produce(account, delivery_id, body)
        except DeliveryFailed as error:
            raise BrokerAway(f"the broker did not confirm the sets: {error}") from error
        finally:
            self._room.release()

    def _produce(self, account: Account, delivery_id: str, body: bytes) -> Receipt:
        judged = judge_lines(body, account, self._requests, self._clock() + self._ahead)
        # 1. the sets: every message is confirmed
        headers = {"delivery_id": delivery_id.encode(), "account": account.name.encode()}
        self._writes.write(
            [
                _record(self._unapproved_topic if s.is_waiting else self._topic, flagged, s.content, headers)
                for s, flagged in select_accepted(judged)
            ]
        )
        # 2. the ministry's own copy of the receipt
        receipt = self._receipts.write(
            judged, delivery_id=delivery_id, account=account.name, received_at=self._clock()
        )
        copy = build_delivery_receipt(receipt, judged, size=len(body)).model_dump_json().encode()
        self._writes.write([Record(self._receipt_topic, delivery_id.encode(), copy)])
        # 3. store the receipt  4. answer
        self._ledger.add(receipt)
        if receipt.rejected:  # what was in them is no matter for a log
            log.warning(
                "delivery %s of account %s: %d of %d sets are rejected",
                delivery_id,
                account.name,
                len(receipt.rejected),
                len(judged),
            )
        return receipt


def _as_duplicate(receipt: Receipt) -> Receipt:
    return receipt.model_copy(update={"duplicate": True})


def _await(first: Future[Receipt]) -> Receipt:
    try:
        return first.result(_TURN_SECONDS)
    except TimeoutError:
        raise BrokerAway("the same delivery is still waiting for the broker") from None


def _record(topic: str, flagged: FlaggedSet, line: bytes, headers: Mapping[str, bytes]) -> Record:
    of_file = {
        "file_id": flagged.file_id.encode(),
        "traceparent": traceparent(flagged.file_id).encode(),
    }
    return Record(topic, flagged.station.encode(), line, {**of_file, **headers})
