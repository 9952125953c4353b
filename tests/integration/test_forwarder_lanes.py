"""The role as it runs, both lanes over a real broker, against the ministry's door."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import Record
from quantrac.local.late_sets import LateSets
from quantrac.testing.builders import account, station
from quantrac.testing.builders import registry as registry_of
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import DeliveryReceipt
from services.forwarder import wiring
from support.forwarder import flagged_file
from support.ministry_server import MinistryServer
from support.waiting import LIMIT, wait_until

PARTITIONS = 3
STATIONS = [f"S{number}" for number in range(9)]


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[MinistryServer]:
    """A ministry that is not up yet."""
    registry = registry_of(
        [station(code) for code in STATIONS],
        [account("hanoi", role="province", stations=(), provinces=("01",))],
    )
    server = MinistryServer(tmp_path, registry)
    yield server
    server.stop()


@pytest.fixture
def environment(
    kafka: KafkaConnection,
    prefix: str,
    topics: Callable[..., str],
    ministry: MinistryServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The settings of a province, and its topics."""
    for name in ("qa-flagged", "late-range", "delivery-receipt", "qa-flagged.dlq"):
        topics(name, partitions=PARTITIONS)
    for name in ("station-registry", "registry-request"):
        topics(name, partitions=1)
    settings = {
        "QUANTRAC_TOPIC_PREFIX": prefix,
        "QUANTRAC_KAFKA": kafka.bootstrap,
        "QUANTRAC_KAFKA_SECURITY_PROTOCOL": kafka.security_protocol,
        "QUANTRAC_KAFKA_SASL_MECHANISM": kafka.sasl_mechanism,
        "QUANTRAC_KAFKA_USER": kafka.user,
        "QUANTRAC_KAFKA_PASSWORD": kafka.password,
        "QUANTRAC_MINISTRY_URL": ministry.url,
        "QUANTRAC_MINISTRY_NAME": "mae",
        "QUANTRAC_MINISTRY_ACCOUNT": "hanoi",
        "QUANTRAC_MINISTRY_PASSWORD": "secret",
        "QUANTRAC_FORWARDER_DATA": str(tmp_path / "forwarder"),
        "QUANTRAC_FORWARD_GATHER_SECONDS": "0.1",
        "QUANTRAC_STALLED_SECONDS": "2",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value or "")


@pytest.fixture
def health(environment: None) -> Iterator[Callable[[], str]]:
    """The role, running; returns what is wrong with it."""
    role, stop = wiring.forward(), threading.Event()
    thread = threading.Thread(target=role.run, args=(stop,))
    thread.start()
    yield lambda: role.health().reason
    stop.set()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_a_day_that_the_ministry_was_away_is_caught_up_behind_the_present(
    kafka: KafkaConnection, prefix: str, ministry: MinistryServer, health: Callable[[], str]
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    producer, late_sets = KafkaProducer(kafka), LateSets(kafka, prefix)

    def put(name: str, at: datetime) -> None:
        records = [
            Record(f"{prefix}qa-flagged", code.encode(), encode_flagged_set(flagged_file(code, name, at=at)))
            for code in STATIONS
        ]
        producer.produce(records)
        producer.flush()

    def receipts() -> list[DeliveryReceipt]:
        kept = (read_tail(kafka, f"{prefix}delivery-receipt", n, 1_000) for n in range(PARTITIONS))
        return [DeliveryReceipt.model_validate_json(r.value or b"") for of_one in kept for r in of_one]

    for hour in range(2, 22):
        put(f"{hour} hours ago", now - timedelta(hours=hour))
    wait_until(lambda: late_sets.count() == 20 * len(STATIONS), lambda: (late_sets.count(), health()))
    wait_until(lambda: "backlog: no progress" in health(), health)
    assert "Connection refused" in health()
    ministry.start()
    put("now", now)
    wait_until(lambda: len({f.file_id for r in receipts() for f in r.files}) == 21, health)
    wait_until(lambda: late_sets.count() == 0, late_sets.count)
    wait_until(lambda: health() == "", health)
    delivered = [(f.station, f.file_id) for r in receipts() for f in r.files]
    assert len(set(delivered)) == 21 * len(STATIONS)
    assert len(ministry.flagged) >= len(set(delivered))
    assert KafkaAdmin(kafka).lag(f"{prefix}forwarder.forward", f"{prefix}qa-flagged") == 0
