"""What every service relies on, once over the broker in memory and once over a real Apache Kafka."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.records import BadData, Consumer, DeadLetter, DeliveryFailed, Done, NotNow, Producer, Record
from quantrac.io.runner import DeadLetterLimit, DeadLetterLimitReached, Runner
from quantrac.testing.broker import FakeBroker
from schemas.topics import DEAD_LETTERS
from support.waiting import wait_until


class Broker(Protocol):
    """One broker with topics of its own."""

    def topic(self, name: str, largest: int = 1 << 20) -> str: ...

    def producer(self) -> Producer: ...

    def consumer(self, group: str, topic: str) -> Consumer: ...


class BrokerInMemory:
    def __init__(self) -> None:
        self._broker = FakeBroker()

    def topic(self, name: str, largest: int = 1 << 20) -> str:
        self._broker.create(name, largest=largest)
        return name

    def producer(self) -> Producer:
        return self._broker.producer()

    def consumer(self, group: str, topic: str) -> Consumer:
        return self._broker.consumer(group, [topic])


class RealBroker:
    def __init__(self, kafka: KafkaConnection, topics: Callable[..., str], prefix: str) -> None:
        self._kafka, self._topics, self._prefix = kafka, topics, prefix

    def topic(self, name: str, largest: int = 1 << 20) -> str:
        return self._topics(name, config={"max.message.bytes": str(largest)})

    def producer(self) -> Producer:
        return KafkaProducer(self._kafka)

    def consumer(self, group: str, topic: str) -> Consumer:
        return KafkaConsumer(self._kafka, group=self._prefix + group, instance="0", topics=[topic])


@pytest.fixture(params=[pytest.param("fake", marks=pytest.mark.unit), "real"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "fake":
        return BrokerInMemory()
    return RealBroker(*(request.getfixturevalue(name) for name in ("kafka", "topics", "prefix")))


@pytest.fixture
def opened(broker: Broker) -> Iterator[Callable[[str, str], Consumer]]:
    """Opens consumers and closes them at the end."""
    consumers: list[Consumer] = []

    def open_consumer(group: str, topic: str) -> Consumer:
        consumers.append(broker.consumer(group, topic))
        return consumers[-1]

    yield open_consumer
    for consumer in consumers:
        consumer.close()


Open = Callable[[str, str], Consumer]


def write(broker: Broker, topic: str, *messages: tuple[bytes, bytes | None]) -> None:
    producer = broker.producer()
    producer.produce([Record(topic, key, value, {"n": b"%d" % n}) for n, (key, value) in enumerate(messages)])
    producer.flush()


def read(consumer: Consumer, count: int) -> list[Record]:
    found: list[Record] = []

    def are_all_there() -> bool:
        found.extend(consumer.consume(count - len(found), 0.2))
        return len(found) >= count

    wait_until(are_all_there, lambda: f"{len(found)} of {count} messages", every_s=0)
    return found


def nothing_comes(consumer: Consumer) -> bool:
    return consumer.consume(1, 0.3) == []


class Handler:
    """Answers what the test says, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Sequence[Record]], Done | NotNow]) -> None:
        self._answer = answer
        self.batches: list[list[Record]] = []

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        self.batches.append(list(batch))
        return self._answer(batch)


def runner(
    broker: Broker, consumer: Consumer, handler: Handler, limit: DeadLetterLimit | None = None
) -> Runner:
    return Runner(
        service="test.role",
        consumer=consumer,
        producer=broker.producer(),
        handler=handler,
        poll_timeout=0.2,
        limit=limit,
    )


def step_until_committed(runner: Runner, count: int) -> None:
    steps = 0

    def are_committed() -> bool:
        nonlocal steps
        steps += runner.step()
        return steps >= count

    wait_until(are_committed, every_s=0)
    assert steps == count


def test_messages_of_one_key_keep_their_order_and_their_partition(broker: Broker, opened: Open) -> None:
    topic = broker.topic("in")
    write(broker, topic, *[(b"station-%d" % (n % 4), b"%d" % n) for n in range(40)])
    records = read(opened("group", topic), 40)
    for key in (b"station-0", b"station-1", b"station-2", b"station-3"):
        of_key = [record for record in records if record.key == key]
        assert [int(record.value or b"") for record in of_key] == list(range(int(key[-1:]), 40, 4))
        assert len({record.partition for record in of_key}) == 1


def test_an_empty_value_is_not_a_deletion(broker: Broker, opened: Open) -> None:
    topic = broker.topic("in")
    write(broker, topic, (b"k", b""), (b"k", None))
    first, second = read(opened("group", topic), 2)
    assert (first.value, second.value) == (b"", None)
    assert (first.headers, first.offset, second.offset) == ({"n": b"0"}, 0, 1)


def test_messages_that_were_not_committed_come_again_and_committed_ones_do_not(
    broker: Broker, opened: Open
) -> None:
    topic = broker.topic("in")
    write(broker, topic, (b"k", b"1"), (b"k", b"2"), (b"k", b"3"))
    first = opened("group", topic)
    records = read(first, 3)
    first.commit(records[:2])
    first.close()
    second = opened("group", topic)
    assert [record.value for record in read(second, 1)] == [b"3"]
    assert nothing_comes(second)


def test_a_poison_message_goes_alone_and_says_why(broker: Broker, opened: Open) -> None:
    source, target, dead = broker.topic("in"), broker.topic("out"), broker.topic("in.dlq")

    def answer(batch: Sequence[Record]) -> Done:
        return Done([Record(target, record.key, b"%d" % (10 * int(record.value or b""))) for record in batch])

    write(broker, source, (b"k", b"1"), (b"k", b"x"), (b"k", b"3"))
    consumer = opened("group", source)
    step_until_committed(runner(broker, consumer, Handler(answer)), 3)
    assert [record.value for record in read(opened("results", target), 2)] == [b"10", b"30"]
    letter = read(opened("dead", dead), 1)[0]
    assert (letter.key, letter.value) == (b"k", b"x")
    assert b"ValueError: invalid literal" in letter.headers["reason"]
    assert {name: letter.headers[name] for name in ("n", "service", "source_topic", "source_offset")} == {
        "n": b"1",
        "service": b"test.role",
        "source_topic": source.encode(),
        "source_offset": b"1",
    }
    assert letter.headers["source_partition"].isdigit()


@pytest.mark.parametrize("bad", [{0}, {499}, {17}, {249, 250}, {3, 4, 400}], ids=str)
def test_a_batch_that_raises_is_halved_until_what_is_bad_stands_alone(
    broker: Broker, opened: Open, bad: set[int]
) -> None:
    source, target, dead = broker.topic("in"), broker.topic("out"), broker.topic("in.dlq")
    write(broker, source, *[(b"k", b"%d" % n) for n in range(500)])

    def answer(batch: Sequence[Record]) -> Done:
        if any(int(record.value or b"") in bad for record in batch):
            raise BadData("the table readings cannot hold line 1099511627776")
        return Done([Record(target, record.key, record.value) for record in batch])

    handler = Handler(answer)
    step_until_committed(runner(broker, opened("group", source), handler), 500)
    written = read(opened("results", target), 500 - len(bad))
    assert [int(record.value or b"") for record in written] == [n for n in range(500) if n not in bad]
    letters = read(opened("dead", dead), len(bad))
    assert [int(letter.value or b"") for letter in letters] == sorted(bad)
    sentence = b"the table readings cannot hold line 1099511627776"
    assert {letter.headers["reason"] for letter in letters} == {sentence}
    assert len(handler.batches) < 60 * len(bad)


def test_not_now_in_the_middle_of_a_halved_batch_hands_in_the_whole_batch_again(
    broker: Broker, opened: Open
) -> None:
    source, target, dead = broker.topic("in"), broker.topic("out"), broker.topic("in.dlq")
    write(broker, source, *[(b"k", b"%d" % n) for n in range(8)])
    waits = iter([NotNow("busy", 0.01)])

    def answer(batch: Sequence[Record]) -> Done | NotNow:
        values = [int(record.value or b"") for record in batch]
        if 2 in values:
            raise BadData("bad")
        return (7 in values and next(waits, None)) or Done([Record(target, r.key, r.value) for r in batch])

    handler = Handler(answer)
    step_until_committed(runner(broker, opened("group", source), handler), 8)
    results, letters = opened("results", target), opened("dead", dead)
    assert [record.value for record in read(results, 7)] == [b"0", b"1", b"3", b"4", b"5", b"6", b"7"]
    assert [letter.value for letter in read(letters, 1)] == [b"2"]
    assert nothing_comes(results)
    assert nothing_comes(letters)


def test_dead_letters_among_good_messages_stay_within_the_limit(broker: Broker, opened: Open) -> None:
    source = broker.topic("in")
    broker.topic("in.dlq")
    write(broker, source, *[(b"k", b"%d" % n) for n in range(9)])

    def answer(batch: Sequence[Record]) -> Done:
        return Done(dead=[DeadLetter(r, "no") for r in batch if int(r.value or b"") % 3])

    driven = runner(broker, opened("group", source), Handler(answer), DeadLetterLimit(consecutive=3))
    step_until_committed(driven, 9)


def test_a_dead_letter_of_the_handler_keeps_bytes_and_reason(broker: Broker, opened: Open) -> None:
    source, dead = broker.topic("in"), broker.topic("in.dlq")
    write(broker, source, (b"k", b"\xff\x00"))
    handler = Handler(lambda batch: Done(dead=[DeadLetter(batch[0], "không đọc được \ud800")]))
    step_until_committed(runner(broker, opened("group", source), handler), 1)
    letter = read(opened("dead", dead), 1)[0]
    assert (letter.value, letter.headers["reason"].decode()) == (b"\xff\x00", "không đọc được \\ud800")


@pytest.mark.parametrize("reason", ["lone half \ud800", "x" * 10_000_000], ids=["surrogate", "long"])
def test_no_reason_keeps_a_dead_letter_from_being_written(broker: Broker, opened: Open, reason: str) -> None:
    largest = 1 << 20
    source, dead = broker.topic("in", largest), broker.topic("in.dlq", largest + DEAD_LETTERS.headroom_bytes)
    write(broker, source, (b"k", b"bad"))
    handler = Handler(lambda batch: Done(dead=[DeadLetter(batch[0], reason)]))
    step_until_committed(runner(broker, opened("group", source), handler), 1)
    letter = read(opened("dead", dead), 1)[0]
    assert letter.value == b"bad"
    assert letter.headers["reason"].decode().startswith(reason[:9])


def test_not_now_hands_in_the_same_batch_again(broker: Broker, opened: Open) -> None:
    topic = broker.topic("in")
    write(broker, topic, (b"k", b"1"), (b"k", b"2"))
    answers: Iterator[Done | NotNow] = iter([NotNow("busy", 0.05), NotNow("still busy", 0.05)])
    handler = Handler(lambda _: next(answers, Done()))
    consumer = opened("group", topic)
    step_until_committed(runner(broker, consumer, handler), 2)
    assert handler.batches[0] == handler.batches[1] == handler.batches[2]
    assert nothing_comes(consumer)


def test_stopping_while_it_is_not_now_commits_nothing(broker: Broker, opened: Open) -> None:
    topic = broker.topic("in")
    write(broker, topic, (b"k", b"1"))
    stop = threading.Event()

    def answer(_: Sequence[Record]) -> NotNow:
        stop.set()
        return NotNow("busy", 0.01)

    runner(broker, broker.consumer("group", topic), Handler(answer)).run(stop)
    assert [record.value for record in read(opened("group", topic), 1)] == [b"1"]


def test_a_failed_delivery_prevents_the_commit(broker: Broker, opened: Open) -> None:
    source, target = broker.topic("in"), broker.topic("out", largest=2000)
    write(broker, source, (b"k", b"1"))
    # The bytes of a hash do not compress below the target's limit.
    big = b"".join(bytes([n * n * 7 % 251, n * 31 % 256, n // 3 % 256]) for n in range(20_000))
    consumer = broker.consumer("group", source)
    driven = runner(broker, consumer, Handler(lambda _: Done([Record(target, b"k", big)])))
    with pytest.raises(DeliveryFailed):
        while not driven.step():
            pass
    consumer.close()
    assert [record.value for record in read(opened("group", source), 1)] == [b"1"]


def test_the_dead_letter_limit_stops_a_broken_release_before_it_empties_the_topic(
    broker: Broker, opened: Open
) -> None:
    source, dead = broker.topic("in"), broker.topic("in.dlq")
    write(broker, source, *[(b"k", b"%d" % n) for n in range(5)])

    def answer(_: Sequence[Record]) -> Done:
        raise RuntimeError("broken release")

    consumer = broker.consumer("group", source)
    driven = runner(broker, consumer, Handler(answer), DeadLetterLimit(consecutive=3))
    with pytest.raises(DeadLetterLimitReached, match="dead letters in a row"):
        for _ in range(50):
            driven.step()
    consumer.close()
    assert len(read(opened("group", source), 5)) >= 3
    assert len(opened("dead", dead).consume(5, 0.3)) <= 2
