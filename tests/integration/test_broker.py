import os
import signal
import subprocess
import time
from contextlib import contextmanager

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from quantrac.local.broker import Broker, answers, broker_command, broker_environment, running_broker
from quantrac.local.child import tied_command
from quantrac.local.ports import choose_ports, free_port
from quantrac.local.waiting import wait_until

pytestmark = pytest.mark.integration


@contextmanager
def started(broker):
    with (broker.folder / "out.log").open("ab") as log:
        process = subprocess.Popen(
            tied_command(broker_command(broker)),
            env=os.environ | broker_environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_until(lambda: answers(broker.bootstrap), 30), (broker.folder / "out.log").read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def produce(bootstrap, value):
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce("raw-file", value, key=b"station")
    assert producer.flush(10) == 0


def consume(bootstrap):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    consumer.assign([TopicPartition("raw-file", 0, 0)])
    try:
        message = consumer.poll(10)
        assert message is not None
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


def test_an_acknowledged_message_outlives_a_kill_9_of_the_broker(tmp_path):
    ports = choose_ports({"broker": 0, "controller": 0})
    broker = Broker(tmp_path, ports["broker"], ports["controller"])
    with started(broker) as process:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic("raw-file", 1, 1)])["raw-file"].result(10)
        produce(broker.bootstrap, b"12.4")
        process.send_signal(signal.SIGKILL)
        process.wait()
        del admin

    killed = time.monotonic()
    with started(broker):
        assert consume(broker.bootstrap) == b"12.4"
        assert time.monotonic() - killed < 15


def test_the_broker_listens_on_the_loopback_address_only_and_stops(tmp_path):
    with running_broker(tmp_path) as bootstrap:
        port = int(bootstrap.removeprefix("127.0.0.1:"))
        listeners = [
            c
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr.port == port
        ]
        assert {listener.laddr.ip.removeprefix("::ffff:") for listener in listeners} == {"127.0.0.1"}
        pid = listeners[0].pid
        metadata = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=5)
        assert list(metadata.topics) == []
    assert not answers(bootstrap)
    assert not psutil.pid_exists(pid)


def test_an_address_where_nobody_listens_does_not_answer():
    assert not answers(f"127.0.0.1:{free_port()}")
