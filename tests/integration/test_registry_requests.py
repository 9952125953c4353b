"""A province's stations and the ministry's approval: both roles over a real broker, and the command."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli.approvals import approvals
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.io.role import Role
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.local.ports import free_port
from quantrac.migrate import missing_topics
from quantrac.testing.builders import flagged_reading, flagged_set
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.records import Record as RegistryRecord
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import RegistryRequest
from schemas.registry import record_key
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.api.common.keys import RequestScope
from services.api.registry_requests.query import select_requests
from services.forwarder.wiring import forward
from services.receiver.wiring import deliveries
from support.ministry_requests import entry
from support.waiting import LIMIT, stays_false, wait_until

NOW = datetime.now(UTC).replace(microsecond=0)


class Tiers:
    """A province and a ministry on one broker, each with its topics."""

    def __init__(self, kafka: KafkaConnection, prefix: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.kafka, self.folder, self.patch = kafka, folder, patch
        self.prefixes = {"province": f"{prefix}hn.", "ministry": f"{prefix}mae."}
        self.port = free_port()
        self.producer = ReportingProducer(kafka)
        admin = KafkaAdmin(kafka)
        for tier in self.prefixes.values():
            admin.create(missing_topics(admin, prefix=tier, size="local", replication=1))

    def use(self, tier: str, **variables: str) -> None:
        """Set the environment of a tier's processes."""
        environment = {
            **kafka_environment(self.kafka),
            "QUANTRAC_TIER": tier,
            "QUANTRAC_TOPIC_PREFIX": self.prefixes[tier],
            "QUANTRAC_SPOOL": str(self.folder / tier),
            "QUANTRAC_HTTP_PORT": str(self.port),
            "QUANTRAC_MINISTRY_URL": f"http://127.0.0.1:{self.port}",
            "QUANTRAC_MINISTRY_ACCOUNT": "hanoi",
            "QUANTRAC_MINISTRY_PASSWORD": "secret",
            "QUANTRAC_FORWARDER_DATA": str(self.folder / "forwarder"),
            "QUANTRAC_FORWARD_GATHER_SECONDS": "0.1",
        }
        for name, value in {**environment, **variables}.items():
            self.patch.setenv(name, value)

    @contextmanager
    def running(self, tier: str, build: Callable[[], Role]) -> Iterator[None]:
        self.use(tier)
        role, stop = build(), threading.Event()
        thread = threading.Thread(target=role.run, args=(stop,))
        thread.start()
        try:
            wait_until(lambda: role.health().ready, lambda: role.health().reason)
            yield
        finally:
            stop.set()
            thread.join(timeout=LIMIT)

    def register(self, tier: str, *records: RegistryRecord) -> None:
        topic = f"{self.prefixes[tier]}station-registry"
        self.producer.produce([Record(topic, record_key(r), r.model_dump_json().encode()) for r in records])
        self.producer.flush()

    def flag(self, station: str, number: int) -> None:
        """Let the province's validator have flagged a set."""
        received_at = NOW + timedelta(seconds=number)
        reading = flagged_reading(35.2, measured_at=NOW - timedelta(minutes=5))
        flagged = flagged_set(reading, station=station, received_at=received_at)
        topic = f"{self.prefixes['province']}qa-flagged"
        self.producer.produce([Record(topic, station.encode(), encode_flagged_set(flagged))])
        self.producer.flush()

    def records(self, tier: str, topic: str) -> list[Record]:
        name = self.prefixes[tier] + topic
        return [
            record
            for partition in sorted(KafkaAdmin(self.kafka).end_offsets([name]))
            for record in read_tail(self.kafka, name, partition.number, 1_000)
        ]

    def sets(self, topic: str) -> list[tuple[str, datetime]]:
        """Return station and time of receipt of the sets on a topic of the ministry."""
        flagged = [decode_flagged_set(record.value or b"") for record in self.records("ministry", topic)]
        return sorted((s.station, s.received_at) for s in flagged)

    def request(self, tier: str, station: str = "A") -> RegistryRequest | None:
        values = [
            record.value
            for record in self.records(tier, "registry-request")
            if record.key == f"station/{station}".encode()
        ]
        return RegistryRequest.model_validate_json(values[-1] or b"") if values else None

    def state(self, tier: str, station: str = "A") -> str:
        request = self.request(tier, station)
        return request.state.value if request is not None else ""

    @property
    def waiting(self) -> list[bool]:
        """Whether each delivered set waits at the ministry, by the province's receipts."""
        receipts = self.records("province", "delivery-receipt")
        messages = (DeliveryReceipt.model_validate_json(record.value or b"") for record in receipts)
        return [file.waiting for message in messages for file in message.files]


@pytest.fixture
def tiers(kafka: KafkaConnection, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiers:
    return Tiers(kafka, prefix, tmp_path, monkeypatch)


def run(tiers: Tiers, *arguments: str, tier: str = "ministry") -> tuple[int, str]:
    tiers.use(tier)
    result = CliRunner().invoke(approvals, list(arguments))
    return result.exit_code, result.output


def store(tiers: Tiers, settings: ClickHouseSettings) -> None:
    """Put what the ministry's topics hold into its tables, as the sink does."""
    tables = tables_by_topic(lambda name: name, rejudges=False)
    handler = SinkHandler(ClickHouse(settings), tables)
    for topic in ("registry-request", "delivery-receipt"):
        records = tiers.records("ministry", topic)
        handler.handle([Record(topic, r.key, r.value, r.headers, r.partition, r.offset) for r in records])


def test_readings_wait_for_the_approval_of_their_station_and_then_flow(
    tiers: Tiers, clickhouse: ClickHouseSettings
) -> None:
    for name in ("host", "port", "user", "password", "database"):
        tiers.patch.setenv(f"QUANTRAC_CLICKHOUSE_{name.upper()}", str(getattr(clickhouse, name)))
    password = hash_password("secret", memory_kib=8, passes=1)
    account = Account(name="hanoi", password_hash=password, role="province", provinces=("01",))
    tiers.register("ministry", account, Station.model_validate(entry("KNOWN")))
    tiers.register("province", *(Station.model_validate(entry(code)) for code in ("A", "KNOWN")))
    for number, code in enumerate(("A", "KNOWN", "A")):
        tiers.flag(code, number)
    with tiers.running("ministry", deliveries), tiers.running("province", forward):
        # The registry goes ahead: no set is rejected, and what the ministry knows needs no approval.
        wait_until(lambda: len(tiers.waiting) == 3)
        assert sorted(tiers.waiting) == [False, True, True]
        assert [station for station, _ in tiers.sets("unapproved-set")] == ["A", "A"]
        assert [station for station, _ in tiers.sets("qa-flagged")] == ["KNOWN"]
        wait_until(
            lambda: (tiers.state("province"), tiers.state("province", "KNOWN")) == ("waiting", "approved")
        )

        store(tiers, clickhouse)
        code, output = run(tiers, "list", "--json", "--state", "waiting")
        (listed,) = json.loads(output)["requests"]
        assert (listed["station"], listed["waiting"]) == ("A", {"sets": 2, "readings": 2})
        scope = RequestScope(False, ["01"], [])
        rows = select_requests(
            ClickHouse(clickhouse), scope=scope, station=None, province=None, state=None, after="", limit=9
        )
        assert [(r["station"], r["state"], r["takes_sets"], r["waiting_sets"]) for r in rows] == [
            ("A", "waiting", 0, 2),
            ("KNOWN", "approved", 1, 0),
        ]

        assert run(tiers, "approve", "B") == (1, "quantrac: there is no station 'B' among the requests\n")
        assert run(tiers, "approve", "a", tier="province")[1] == (
            "quantrac: the ministry decides, not a province\n"
        )
        code, output = run(tiers, "approve", "a", "--by", "lan", "--reason", "as agreed")
        assert (code, output) == (0, "approved A of province 01, sent by hanoi\n")
        assert run(tiers, "approve", "A") == (1, "quantrac: station A is approved already\n")

        wait_until(lambda: len(tiers.sets("qa-flagged")) == 3)
        # The province is told with the next receipt.
        tiers.flag("KNOWN", 4)
        wait_until(lambda: tiers.state("province") == "approved")
        request = tiers.request("province")
        assert request is not None
        assert (request.decided_by, request.reason, request.takes_sets) == ("lan", "as agreed", True)
        tiers.flag("A", 5)
        wait_until(lambda: len(tiers.sets("qa-flagged")) == 5)
        assert len(tiers.sets("unapproved-set")) == 2
        store(tiers, clickhouse)
        assert "wait" not in run(tiers, "list")[1]

        # A change waits while the entry approved before holds; a withdrawal lets further sets wait.
        tiers.register("province", Station.model_validate(entry("A", interval_minutes=15)))
        wait_until(lambda: tiers.state("ministry") == "waiting")
        tiers.flag("A", 6)
        wait_until(lambda: len(tiers.sets("qa-flagged")) == 6)
        assert "the ministry's own entry differs: interval_minutes" in run(tiers, "list")[1]
        run(tiers, "approve", "--province", "01", "--by", "lan")
        assert run(tiers, "reject", "A", "--reason", "the licence has ended", "--by", "lan")[0] == 0
        wait_until(lambda: tiers.state("ministry") == "rejected")
        tiers.flag("A", 7)
        wait_until(lambda: len(tiers.sets("unapproved-set")) == 3)
        assert stays_false(lambda: len(tiers.sets("qa-flagged")) > 6, 3.0)
        store(tiers, clickhouse)
        code, output = run(tiers, "list")
        assert "1 set with 1 reading waits" in output
        assert "by lan: the licence has ended" in output
