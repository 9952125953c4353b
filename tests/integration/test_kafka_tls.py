"""A broker as a cluster's operator sets it up: SCRAM over TLS, with an authority of its own."""

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import Record
from quantrac.io.stream import StreamRunner
from quantrac.local import broker as local_broker
from quantrac.local.broker import Broker, answers, broker_command, broker_environment
from quantrac.local.child import tie_command
from quantrac.local.ports import choose_ports
from support.tls import Pair
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos

PASSWORD = "only-in-this-test"
LISTENER = """
listener.name.tls.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.tls.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={keystore}
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaConnection]:
    """How a user of its own reaches it."""
    pair, keystore = Pair(tmp_path), tmp_path / "keystore.pem"
    keystore.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    ports = choose_ports({"broker": 0, "controller": 0, "tls": 0})
    broker = Broker(tmp_path / "kafka", ports["broker"], ports["controller"], PASSWORD)
    settings = local_broker._SETTINGS
    for before, after in {
        ",CONTROLLER://": f",TLS://127.0.0.1:{ports['tls']},CONTROLLER://",
        "advertised.listeners=": f"advertised.listeners=TLS://127.0.0.1:{ports['tls']},",
        "CLIENT:SASL_PLAINTEXT": "CLIENT:SASL_PLAINTEXT,TLS:SASL_SSL",
    }.items():
        assert before in settings
        settings = settings.replace(before, after)
    monkeypatch.setattr(local_broker, "_SETTINGS", settings + LISTENER.format(keystore=keystore))
    process = subprocess.Popen(
        tie_command(broker_command(broker)),
        env=os.environ | broker_environment(),
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(broker.connection))
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion("hanoi", scram, b"s3cret-word")
        admin = AdminClient(broker.connection.librdkafka())
        admin.alter_user_scram_credentials([user])["hanoi"].result(LIMIT)
        bootstrap = f"127.0.0.1:{ports['tls']}"
        yield KafkaConnection(
            bootstrap, "SASL_SSL", "SCRAM-SHA-512", "hanoi", "s3cret-word", pair.certificate
        )
    finally:
        process.kill()
        process.wait()


def test_both_client_libraries_log_in_by_scram_over_tls(cluster: KafkaConnection, tmp_path: Path) -> None:
    KafkaAdmin(cluster).create([TopicSettings("window-dirty", 1, 1, {})])
    ReportingProducer(cluster).write(Record("window-dirty", b"station", b"12.4"))
    assert [record.value for record in read_tail(cluster, "window-dirty", 0, 10)] == [b"12.4"]

    batches: list[bytes | None] = []
    processor: Any = SimpleNamespace(process=lambda batch: batches.extend(record.value for record in batch))
    runner = StreamRunner(
        cluster,
        group="windows",
        topics=["window-dirty"],
        processor=processor,
        interval=0.2,
        folder=str(tmp_path / "stream"),
    )
    stop = threading.Event()
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: batches == [b"12.4"])
    finally:
        stop.set()
        thread.join()


def test_a_broker_whose_authority_is_not_trusted_is_not_talked_to(cluster: KafkaConnection) -> None:
    assert answers(cluster)
    for connection in (replace(cluster, ca_file=None), replace(cluster, password="guessed")):
        with pytest.raises(KafkaException):
            KafkaAdmin(connection).count_partitions(timeout=3)
