"""What a group member makes of the client library's answers; the library itself is played."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import MOST_BYTES, KafkaConsumer

FENCED = KafkaError(KafkaError._FATAL, "Fatal error: static consumer fenced")
DISCONNECTED = KafkaError(KafkaError._TRANSPORT, "disconnected")


class PlayedMessage:
    def __init__(self, error: KafkaError | None = None, value: bytes = b"") -> None:
        self._error, self._value = error, value

    def __len__(self) -> int:
        return len(self._value)

    def key(self) -> bytes:
        return b"A"

    def value(self) -> bytes:
        return self._value

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_774_414_800_000

    def offset(self) -> int:
        return 0

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return "raw-file"

    def partition(self) -> int:
        return 4


class PlayedClient:
    """Answers every poll by ``on_poll``; keeps which partitions are assigned and which of them paused."""

    def __init__(self, _: dict[str, Any]) -> None:
        self.assigned: set[int] = set()
        self.paused: set[int] = set()
        self.polls = 0
        self.on_poll: Callable[[], PlayedMessage | None] = lambda: None

    def subscribe(self, _: list[str], *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._on_assign, self._on_lost = on_assign, on_lost

    def give(self, *partitions: int) -> None:
        self._on_assign(self, [TopicPartition("raw-file", p) for p in partitions])

    def take(self, *partitions: int) -> None:
        self._on_lost(self, [TopicPartition("raw-file", p) for p in partitions])
        self.assigned -= set(partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned |= {p.partition for p in partitions}

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("raw-file", p) for p in self.assigned]

    def pause(self, partitions: list[TopicPartition]) -> None:
        assert {p.partition for p in partitions} <= self.assigned
        self.paused |= {p.partition for p in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {p.partition for p in partitions}

    def poll(self, timeout: float) -> PlayedMessage | None:
        self.polls += 1
        return self.on_poll()

    def consume(self, limit: int, timeout: float) -> list[PlayedMessage]:
        messages = (self.poll(timeout) for _ in range(limit))
        return list(itertools.takewhile(lambda message: message is not None, messages))  # type: ignore[arg-type]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> PlayedClient:
    played = PlayedClient({})
    monkeypatch.setattr("quantrac.io.kafka.consumer._Consumer", lambda _: played)
    return played


@pytest.fixture
def member(client: PlayedClient) -> KafkaConsumer:
    return KafkaConsumer(KafkaConnection("nowhere:1"), group="g", instance="0", topics=["raw-file"])


def test_a_fenced_member_raises_when_it_consumes(member: KafkaConsumer, client: PlayedClient) -> None:
    client.on_poll = lambda: PlayedMessage(FENCED)
    with pytest.raises(KafkaException, match="fenced"):
        member.consume(10, 0.1)


def test_a_fenced_member_raises_while_it_waits(member: KafkaConsumer, client: PlayedClient) -> None:
    client.on_poll = lambda: PlayedMessage(FENCED)
    with pytest.raises(KafkaException, match="fenced"):
        member.wait(60.0, threading.Event())


def test_an_error_that_passes_is_no_message_and_no_end(member: KafkaConsumer, client: PlayedClient) -> None:
    client.on_poll = lambda: PlayedMessage(DISCONNECTED)
    assert member.consume(10, 0.1) == []
    member.wait(0.01, threading.Event())
    assert client.polls > 1


def test_a_batch_of_small_messages_ends_with_its_number(member: KafkaConsumer, client: PlayedClient) -> None:
    client.on_poll = PlayedMessage
    assert len(member.consume(1_700, 0.1)) == 1_700
    client.on_poll = lambda: None
    assert member.consume(10, 0.1) == []


def test_a_batch_of_large_messages_ends_with_its_bytes(member: KafkaConsumer, client: PlayedClient) -> None:
    large = PlayedMessage(value=bytes(MOST_BYTES // 600))
    client.on_poll = lambda: large
    assert len(member.consume(10_000, 0.1)) <= 1_001


def test_a_stop_ends_a_long_wait(member: KafkaConsumer, client: PlayedClient) -> None:
    stop = threading.Event()
    client.on_poll = stop.set
    client.give(0)
    member.wait(60.0, stop)
    assert (client.polls, client.paused) == (1, set())


def test_partitions_that_come_during_a_wait_are_paused_until_its_end(
    member: KafkaConsumer, client: PlayedClient
) -> None:
    stop, during = threading.Event(), []

    def rebalance() -> None:
        client.give(4, 5)
        during.append(set(client.paused))
        stop.set()

    client.on_poll = rebalance
    client.give(0)
    member.wait(60.0, stop)
    assert during == [{0, 4, 5}]
    assert client.paused == set()


def test_partitions_lost_in_a_wait_and_given_back_after_it_are_not_paused(
    member: KafkaConsumer, client: PlayedClient
) -> None:
    stop = threading.Event()

    def lose() -> None:
        client.take(0)
        stop.set()

    client.on_poll = lose
    client.give(0)
    member.wait(60.0, stop)
    client.give(0)
    assert client.paused == set()


def test_a_message_that_comes_during_a_wait_is_not_dropped_in_silence(
    member: KafkaConsumer, client: PlayedClient
) -> None:
    client.on_poll = PlayedMessage
    with pytest.raises(RuntimeError, match=r"raw-file\[4\] is not paused"):
        member.wait(60.0, threading.Event())
