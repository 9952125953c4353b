"""A role that stands still says so, over a real broker; and one that has nothing to do does not."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from quantrac.io.health import Health
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.progress import Progress
from quantrac.io.records import Done, NotNow, Record
from quantrac.io.role import Work
from quantrac.io.runner import BatchProcessor, Runner
from quantrac.io.stream import StreamRunner
from support.waiting import LIMIT, stays_false, wait_until

LIMIT_SECONDS = 2.0
IDLE_LIMIT_SECONDS = 6.0


class Handler:
    """Answers what the test says."""

    def __init__(self) -> None:
        self.answer: Callable[[], Done | NotNow] = Done

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        return self.answer()


@contextmanager
def running(work: Work) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=work.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Role:
    """One role over its own topic, as ``wiring`` builds them."""

    def __init__(self, kafka: str, topic: str, group: str, kind: str, folder: str) -> None:
        self.topic, self.handler = topic, Handler()
        self._producer = KafkaProducer(kafka)
        self.progress = progress = Progress(LIMIT_SECONDS)
        if kind == "runner":
            self.consumer = KafkaConsumer(kafka, group=group, instance="0", topics=[topic])
            runner = Runner(
                service="test.role",
                consumer=self.consumer,
                producer=KafkaProducer(kafka),
                handler=self.handler,
                poll_timeout=0.2,
                progress=progress,
            )
            self.work = Work(runner.run, checks=[self.consumer.problem, runner.progress.problem])
        else:
            stream = StreamRunner(
                kafka,
                group=group,
                topics=[topic],
                processor=BatchProcessor(
                    service="test.role", producer=KafkaProducer(kafka), handler=self.handler
                ),
                interval=0.2,
                folder=folder,
                progress=progress,
            )
            self.work = Work(stream.run, checks=[stream.problem])

    def send(self) -> None:
        self._producer.produce([Record(self.topic, b"k", b"1")])
        self._producer.flush()

    def is_ready(self) -> bool:
        return self.work.health() == Health(True)

    def says(self, *words: str) -> Callable[[], bool]:
        def said() -> bool:
            health = self.work.health()
            return not health.ready and all(word in health.reason for word in words)

        return said


@pytest.fixture(params=["runner", "stream"])
def role(
    request: pytest.FixtureRequest, kafka: str, topics: Callable[..., str], prefix: str, tmp_path
) -> Role:
    return Role(kafka, topics("in"), f"{prefix}stalled", request.param, str(tmp_path))


def test_a_role_whose_handler_says_not_now_for_ever_is_not_ready_until_it_goes_on(role: Role) -> None:
    with running(role.work):
        wait_until(role.is_ready)
        role.handler.answer = lambda: NotNow("the store is away", 0.2)
        role.send()
        wait_until(role.says("no progress", "the store is away"))
        role.handler.answer = Done
        wait_until(role.is_ready)


def test_a_role_whose_handler_hangs_is_not_ready_until_it_returns(role: Role) -> None:
    hanging = threading.Event()

    def hang() -> Done:
        hanging.wait(LIMIT)
        return Done()

    with running(role.work):
        wait_until(role.is_ready)
        role.handler.answer = hang
        role.send()
        wait_until(role.says("no progress", "on a batch of 1"))
        hanging.set()
        wait_until(role.is_ready)


@pytest.mark.chaos
def test_an_idle_role_stays_ready(role: Role) -> None:
    with running(role.work):
        role.send()
        wait_until(role.is_ready)
        role.progress._limit = IDLE_LIMIT_SECONDS  # a busy machine may stop a loop for a second or two
        assert stays_false(lambda: not role.is_ready(), 1.2 * IDLE_LIMIT_SECONDS)


@pytest.mark.chaos
def test_a_member_whose_messages_never_come_is_not_ready(
    kafka: str, topics: Callable[..., str], prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = Role(kafka, topics("in"), f"{prefix}deaf", "runner", "")
    consume, client = role.consumer.consume, role.consumer._consumer
    deaf, paused = threading.Event(), threading.Event()

    def consume_or_not(limit: int, timeout: float) -> list[Record]:
        if deaf.is_set():
            client.pause(client.assignment())
            paused.set()
        else:
            client.resume(client.assignment())
        return consume(limit, timeout)

    monkeypatch.setattr(role.consumer, "consume", consume_or_not)
    with running(role.work):
        wait_until(role.is_ready)
        deaf.set()
        assert paused.wait(LIMIT)  # what is sent before that may still come
        role.send()
        wait_until(role.says("messages wait in", role.topic))
        deaf.clear()
        wait_until(role.is_ready)


def test_what_waits_is_counted_from_what_the_group_has_committed(
    kafka: str, topics: Callable[..., str], prefix: str
) -> None:
    role = Role(kafka, topics("in"), f"{prefix}counts", "runner", "")
    role.send()
    wait_until(lambda: role.consumer.consume(1, 0.5) != [])  # and not committed
    role.consumer.close()
    again = KafkaConsumer(kafka, group=f"{prefix}counts", instance="0", topics=[role.topic])
    batch: list[Record] = []

    def take() -> bool:
        batch.extend(again.consume(1, 0.5))
        return bool(batch)

    try:
        wait_until(take)
        assert again.commit(batch)
        assert again.find_unread() == {}
        role.send()
        partition = (role.topic, batch[0].partition)
        wait_until(lambda: again.find_unread() == {partition: 1})
    finally:
        again.close()


def test_a_table_whose_thread_hangs_or_dies_is_not_ready(kafka: str, topics: Callable[..., str]) -> None:
    topic = topics("table", config={"cleanup.policy": "compact"})
    hanging = threading.Event()
    table = TableReader(kafka, topic, lambda *_: hanging.wait(LIMIT) and None, stalled_seconds=LIMIT_SECONDS)
    assert "has not been read yet" in table.problem()
    table.start()
    try:
        assert table.problem() == ""
        producer = KafkaProducer(kafka)
        producer.produce([Record(topic, b"k", b"1")])
        producer.flush()
        wait_until(lambda: "the loop has stood still" in table.problem())
        hanging.set()
        wait_until(lambda: table.problem() == "")
    finally:
        hanging.set()
        table.close()


def test_a_server_whose_event_loop_hangs_is_not_ready() -> None:
    hanging, stop = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            hanging.wait(LIMIT)  # as work that belongs into a thread would
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    progress = Progress(LIMIT_SECONDS + 2, name="http")
    server = HttpServer("127.0.0.1", 0, app, on_round=progress.round)
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        with socket.create_connection(server.address) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: progress.problem().startswith("http: the loop has stood still"))
            hanging.set()
            wait_until(lambda: progress.problem() == "")
    finally:
        hanging.set()
        stop.set()
        thread.join()
