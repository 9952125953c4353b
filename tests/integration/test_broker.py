import os
import signal
import socket
import stat
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaException

from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import DeliveryFailed, Record
from quantrac.local import broker as local_broker
from quantrac.local.broker import Broker, answers, broker_command, broker_environment, running_broker
from quantrac.local.child import tie_command
from quantrac.local.ports import choose_ports, free_port
from support.waiting import LIMIT, wait_until

PASSWORD = "only-in-this-test"
CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 2


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    ports = choose_ports({"broker": 0, "controller": 0})
    return Broker(tmp_path, ports["broker"], ports["controller"], PASSWORD)


@contextmanager
def started(broker: Broker, connection: KafkaConnection) -> Iterator[subprocess.Popen[bytes]]:
    with (broker.folder / "out.log").open("ab") as log:
        process = subprocess.Popen(
            tie_command(broker_command(broker)),
            env=os.environ | broker_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: answers(connection), (broker.folder / "out.log").read_text)
        yield process
    finally:
        process.kill()
        process.wait()


def write(connection: KafkaConnection, value: bytes) -> None:
    KafkaAdmin(connection).create([TopicSettings("raw-file", 1, 1, {})])
    ReportingProducer(connection).write(Record("raw-file", b"station", value))


def read(connection: KafkaConnection) -> list[bytes | None]:
    return [record.value for record in read_tail(connection, "raw-file", 0, 10)]


def create_topics_request(topic: str) -> bytes:
    """A request as a client sends it that asks nobody whether it may: kafka.apache.org/protocol."""
    name = topic.encode()
    header = struct.pack(">hhih", CREATE_TOPICS, CREATE_TOPICS_VERSION, 1, -1)
    partitions, replication, no_assignments, no_configuration = 1, 1, 0, 0
    body = struct.pack(">ih", 1, len(name)) + name
    body += struct.pack(">ihii", partitions, replication, no_assignments, no_configuration)
    body += struct.pack(">i?", 10_000, False)
    return struct.pack(">i", len(header + body)) + header + body


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), LIMIT) as client:
        client.sendall(request)
        return client.recv(1_000)


def test_an_acknowledged_message_outlives_a_kill_9_of_the_broker(broker: Broker) -> None:
    with started(broker, broker.connection) as process:
        write(broker.connection, b"12.4")
        process.send_signal(signal.SIGKILL)
        process.wait()

    with started(broker, broker.connection):
        assert read(broker.connection) == [b"12.4"]


def test_a_folder_of_the_time_before_the_login_keeps_its_messages(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_login = KafkaConnection(broker.connection.bootstrap)
    with monkeypatch.context() as before:
        settings = local_broker._SETTINGS.replace(":SASL_PLAINTEXT", ":PLAINTEXT")
        before.setattr(local_broker, "_SETTINGS", settings)
        with started(broker, without_login):
            write(without_login, b"12.4")
            assert answer(broker.port, create_topics_request("intruder"))
            assert answer(broker.controller_port, create_topics_request("intruder"))

    with started(broker, broker.connection):
        assert read(broker.connection) == [b"12.4"]


def test_a_client_without_the_password_can_do_nothing_and_one_private_file_holds_it(broker: Broker) -> None:
    without_login = KafkaConnection(broker.connection.bootstrap)
    wrong = replace(broker.connection, password="guessed")
    with started(broker, broker.connection) as process:
        command = psutil.Process(process.pid).cmdline()
        write(broker.connection, b"12.4")
        for intruder in (without_login, wrong):
            with pytest.raises(KafkaException):
                KafkaAdmin(intruder).count_partitions(timeout=3)
        with pytest.raises(KafkaException):
            read(without_login)
        with pytest.raises(DeliveryFailed):
            ReportingProducer(without_login, delivery_timeout=3).write(Record("raw-file", b"station", b"0"))
        for port in (broker.port, broker.controller_port):
            assert answer(port, create_topics_request("intruder")) == b""
        assert set(KafkaAdmin(broker.connection).count_partitions()) == {"raw-file"}
        assert read(broker.connection) == [b"12.4"]
    assert not any(PASSWORD in argument for argument in command)
    holders = [
        file for file in broker.folder.rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()
    ]
    assert [file.name for file in holders] == ["server.properties"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert PASSWORD not in repr(broker)


def test_the_broker_listens_on_the_loopback_address_only_and_stops(tmp_path: Path) -> None:
    with running_broker(tmp_path, LIMIT) as connection:
        port = int(connection.bootstrap.removeprefix("127.0.0.1:"))
        listeners = [
            c
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr.port == port
        ]
        assert {listener.laddr.ip.removeprefix("::ffff:") for listener in listeners} == {"127.0.0.1"}
        pid = listeners[0].pid
        assert KafkaAdmin(connection).count_partitions() == {}
    assert not answers(connection)
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_an_address_where_nobody_listens_does_not_answer() -> None:
    assert not answers(KafkaConnection(f"127.0.0.1:{free_port()}"))
