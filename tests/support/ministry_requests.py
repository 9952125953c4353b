"""The ministry's registry requests over a broker in memory: posts, decisions, deliveries, rounds."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import Record
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set
from schemas.messages.deliveries import Receipt
from schemas.messages.registry.records import Record as RegistryRecord
from schemas.messages.registry_requests import EntryAnswer, RegistryRequest
from schemas.registry import record_key
from schemas.registry_requests import approve, reject
from services.receiver.deliveries.handler import DeliveryHandler
from services.receiver.deliveries.receipts import ReceiptWriter
from services.receiver.requests.handler import RequestHandler
from services.receiver.requests.keeper import RequestKeeper
from services.receiver.requests.kept_sets import KeptSets
from services.receiver.requests.table import RequestTable

HANOI = Account(name="hanoi", password_hash="$argon2id$", role="province", provinces=("01",))


def entry(code: str = "A", **fields: Any) -> dict[str, Any]:
    """Return a station's entry as a province posts it."""
    usual = {
        **{"code": code, "name": f"Trạm {code}", "type": "ambient-air", "province": "01"},
        **{"latitude": 21.0, "longitude": 105.8, "parameters": [{"code": "PM2.5", "unit": "µg/m3"}]},
    }
    return usual | fields


def _new_broker() -> FakeBroker:
    broker = FakeBroker(partitions=2)
    broker.create("station-registry", partitions=1)
    broker.create("registry-request", partitions=1)
    return broker


class ConfirmedWrites:
    """Writes to the broker in memory at once; raises ``DeliveryFailed`` where it fails."""

    def __init__(self, broker: FakeBroker) -> None:
        self._producer = broker.producer()

    def write(self, records: Sequence[Record]) -> None:
        self._producer.produce(records)
        self._producer.flush()


class NoReceipts:
    """Forgets receipts, so that every delivery is judged anew."""

    def find(self, account: str, delivery_id: str) -> None:
        return None

    def add(self, receipt: Receipt) -> None:
        return None


class MinistryBench:
    """The parts with their doubles at hand; each look at the clock is ``step`` later."""

    def __init__(
        self,
        *,
        automatic: Collection[str] = (),
        broker: FakeBroker | None = None,
        step: timedelta = timedelta(minutes=1),
    ) -> None:
        self.broker, self.now, self.step = broker or _new_broker(), NOON, step
        self.registry = Registry()
        self.table = RequestTable(self.registry)
        self.writes = ConfirmedWrites(self.broker)
        self.handler = RequestHandler(
            table=self.table,
            registry=self.registry,
            writes=self.writes,
            clock=self.clock,
            request_topic="registry-request",
            registry_topic="station-registry",
            automatic=automatic,
        )
        self.receipts: list[Receipt] = []
        self.deliveries = DeliveryHandler(
            writes=self.writes,
            ledger=NoReceipts(),
            receipts=ReceiptWriter("ministry", lambda _: "head.payload.signature"),
            clock=self.clock,
            topic="qa-flagged",
            receipt_topic="delivery-receipt",
            registry=self.registry,
            requests=self.table,
        )
        self.kept = KeptSets(self.table.first_offset)
        self.keeper = RequestKeeper(
            table=self.table,
            registry=self.registry,
            sets=self.kept,
            read_span=self.read_span,
            writes=self.writes,
            clock=self.clock,
            request_topic="registry-request",
            flagged_topic="qa-flagged",
        )
        self.follow_topics()

    def clock(self) -> datetime:
        self.now += self.step
        return self.now

    def read_span(self, partition: int, first: int, end: int) -> Iterator[Record]:
        for record in self.broker.records("unapproved-set"):
            if record.partition == partition and first <= record.offset < end:
                yield record

    def follow_topics(self) -> None:
        """Hand over everything in the topics, as their readers do; what was read before comes again."""
        for record in self.broker.records("station-registry"):
            self.table.apply_registry(record.key, record.value)
        for record in self.broker.records("registry-request"):
            self.table.apply_request(record.key, record.value)
        for record in self.broker.records("unapproved-set"):
            self.kept.apply(record)

    def round(self) -> None:
        """Let the readers catch up, then the keeper work."""
        self.follow_topics()
        self.keeper.step()

    def post(self, *entries: dict[str, Any], account: Account = HANOI) -> list[EntryAnswer]:
        """Post entries; returns the answers to them."""
        body = json.dumps({"entries": entries}).encode()
        return self.handler.post(account, body).entries

    def states(self, *entries: dict[str, Any], account: Account = HANOI) -> list[tuple[str, str]]:
        """Post entries; returns the state and the reason of each."""
        return [(answer.state.value, answer.reason) for answer in self.post(*entries, account=account)]

    def deliver(self, code: str, name: str, account: Account = HANOI) -> str:
        """Deliver a set as the door does; returns the topic that it went to, empty where it was rejected."""
        flagged = flagged_set(flagged_reading(35.2), station=code, file_name=name, received_at=self.now)
        receipt = self.deliveries.accept(account, encode_flagged_set(flagged))
        self.receipts.append(receipt)
        return "unapproved-set" if receipt.waiting else "qa-flagged" if receipt.accepted else ""

    def flagged(self, code: str) -> list[str]:
        """Return the names of a station's sets on qa-flagged, in order."""
        records = [r for r in self.broker.records("qa-flagged") if r.key == code.encode()]
        return [decode_flagged_set(record.value or b"").file_name for record in records]

    def request(self, code: str = "A") -> RegistryRequest:
        """Return a station's request as it stands in the topic."""
        values = [
            r.value for r in self.broker.records("registry-request") if r.key == f"station/{code}".encode()
        ]
        return RegistryRequest.model_validate_json(values[-1] or b"")

    def decide(self, code: str = "A", *, approved: bool, reason: str = "") -> None:
        """Decide as `quantrac approvals` does, by what the topics hold."""
        self.follow_topics()
        request = self.table.get(code)
        assert request is not None
        decision = {"by": "lan", "reason": reason, "at": self.clock()}
        request = self.table.follow(request)
        records = approve(request, **decision) if approved else [reject(request, **decision)]
        self.register(*records)

    def register(self, *records: RegistryRecord) -> None:
        """Write records of the ministry's registry."""
        self.writes.write(
            [Record("station-registry", record_key(r), r.model_dump_json().encode()) for r in records]
        )
