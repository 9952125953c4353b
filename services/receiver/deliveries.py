"""The ministry's side of a delivery: judge each line, produce what is good, remember, answer a receipt.

A receipt is a promise, so it is given only after the broker has confirmed every set. A delivery seen before
gets the same receipt again and produces nothing.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from pydantic import ValidationError

from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.stations import Account
from quantrac.io.records import DeliveryFailed, Producer, Record
from schemas.codec import BadMessage, decode_flagged_set
from schemas.messages.deliveries import Receipt, RejectedSet
from schemas.messages.readings import FlaggedSet as FlaggedSetContract
from schemas.topics import LARGEST_MESSAGE_BYTES

MAX_SETS = 10_000
"""Lines of one delivery; ten times what a forwarder sends, and a bound on the receipt's length."""

# How long a request waits for another one's sets to be confirmed before its sender is told to come back.
_TURN_SECONDS = 10.0


class TooManySets(ValueError):
    """The delivery has more than :data:`MAX_SETS` lines."""


class BrokerAway(Exception):
    """The broker has not confirmed the sets; nothing is remembered and the sender must come again."""


class DeliveryMemory(Protocol):
    """Remembers receipts by account and delivery."""

    def recall(self, account: str, delivery_id: str) -> Receipt | None:
        """Return the receipt given before, or ``None``."""
        ...

    def remember(self, account: str, receipt: Receipt) -> None:
        """Keep a receipt; losing one is harmless, since rows are idempotent by key."""
        ...


class Deliveries:
    """Takes the deliveries of all provinces, one at a time."""

    def __init__(
        self, *, producer: Producer, memory: DeliveryMemory, clock: Callable[[], datetime], topic: str
    ) -> None:
        self._producer, self._memory, self._clock, self._topic = producer, memory, clock, topic
        # One at a time: a flush reports the failures of everything produced before it, whoever produced it,
        # and the same delivery sent twice at once must be produced once.
        self._turn = threading.Lock()

    def accept(self, account: Account, body: bytes) -> Receipt:
        """Answer the receipt of a delivery (uncompressed body); raises `TooManySets` or `BrokerAway`."""
        delivery_id = file_id(body)
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise BrokerAway("other deliveries are still waiting for the broker")
        try:
            known = self._memory.recall(account.name, delivery_id)
            if known is not None:
                return known.model_copy(update={"duplicate": True})
            return self._take(account, delivery_id, body)
        finally:
            self._turn.release()

    def _take(self, account: Account, delivery_id: str, body: bytes) -> Receipt:
        records: list[Record] = []
        rejected: list[RejectedSet] = []
        for line, verdict in enumerate(judge(body, account, delivery_id, self._topic), start=1):
            if isinstance(verdict, Record):
                records.append(verdict)
            else:
                rejected.append(RejectedSet(line=line, reason=verdict))
        # 1. produce  2. flush: every delivery report is in
        try:
            self._producer.produce(records)
            self._producer.flush()
        except DeliveryFailed as error:
            raise BrokerAway(f"the broker did not confirm the sets: {error}") from error
        # 3. remember  4. answer
        receipt = Receipt(
            delivery_id=delivery_id,
            accepted=len(records),
            duplicate=False,
            rejected=rejected,
            received_at=self._clock(),
        )
        self._memory.remember(account.name, receipt)
        return receipt


def judge(body: bytes, account: Account, delivery_id: str, topic: str) -> Iterator[Record | str]:
    """Yield, line by line, the record to produce or the sentence that says why there is none."""
    lines = body.removesuffix(b"\n").split(b"\n", MAX_SETS)
    if len(lines) > MAX_SETS:
        raise TooManySets(f"a delivery may hold {MAX_SETS} sets")
    for line in lines:
        try:
            flagged = _read(line)
        except ValueError as error:
            yield f"not a flagged set: {error}"
            continue
        if not flagged.station:
            yield "the set has no station"
        elif account.stations and flagged.station not in account.stations:
            yield f"account {account.name} may not deliver for station {flagged.station}"
        else:
            yield _record(flagged, line, account, delivery_id, topic)


def _read(line: bytes) -> FlaggedSet:
    """Decode as every reader downstream will, and hold the set to the whole contract: a stranger sent it.

    Fields that a newer province adds are let through. Raises ``ValueError`` with one sentence.
    """
    if len(line) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"{len(line)} bytes, more than {LARGEST_MESSAGE_BYTES}")
    try:
        flagged = decode_flagged_set(line)
        FlaggedSetContract.model_validate_json(line, extra="ignore")
    except BadMessage as error:
        raise ValueError(str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return flagged


def _record(flagged: FlaggedSet, line: bytes, account: Account, delivery_id: str, topic: str) -> Record:
    headers = {
        "file_id": flagged.file_id.encode(),
        "traceparent": traceparent(flagged.file_id).encode(),
        "delivery_id": delivery_id.encode(),
        "account": account.name.encode(),
    }
    return Record(topic, flagged.station.encode(), line, headers)
