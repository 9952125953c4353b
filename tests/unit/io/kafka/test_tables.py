"""How long the start of a table waits for its topic."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from quantrac.io.health import Unavailable
from quantrac.io.kafka import tables
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Record


class Reading:
    """Stands for the event that the topic has been read: each wait ends with the next step of its reader."""

    def __init__(self, steps: list[Callable[[], None]]) -> None:
        self._steps = steps

    def wait(self, _timeout: float) -> bool:
        if self._steps:
            self._steps.pop()()
            return False
        return True


def start(monkeypatch: pytest.MonkeyPatch, *, records: int, silences: int) -> list[bytes]:
    """Start a table whose topic takes so many waits with a record, then some without, before it is read."""
    applied: list[bytes] = []
    table = TableReader(KafkaConnection("nowhere:1"), "table", lambda key, _: applied.append(key))
    monkeypatch.setattr(table, "_thread", Idle())
    steps: list[Callable[[], None]] = [lambda: None] * silences
    steps += [lambda: table._apply_one(Record("table", b"k", b"v"))] * records
    monkeypatch.setattr(table, "_caught_up", Reading(steps))
    table.start()
    return applied


class Idle:
    """A thread that does nothing."""

    def start(self) -> None:
        """Do nothing."""


def test_a_long_topic_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(start(monkeypatch, records=10, silences=0)) == 10


def test_a_topic_that_gives_nothing_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "nothing of the topic table could be read for 30 s from nowhere:1: the broker does not answer"
    with pytest.raises(Unavailable, match=sentence):
        start(monkeypatch, records=3, silences=1)


class Broker:
    """A consumer's client whose broker knows the topic, knows no such topic, or does not answer."""

    def __init__(self, table: TableReader, problem: KafkaError | KafkaException | None) -> None:
        self._table, self._problem = table, problem

    def list_topics(self, topic: str, *, timeout: float) -> SimpleNamespace:
        self._table._stop.set()
        if isinstance(self._problem, KafkaException):
            raise self._problem
        return SimpleNamespace(topics={topic: SimpleNamespace(error=self._problem, partitions={})})

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "the broker has no topic of this name; see whether"),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "Topic authorization failed"),
        (KafkaException(KafkaError(KafkaError._TRANSPORT)), "transport failure; the broker does not answer"),
        (None, "the broker knows the topic, but its messages do not come; see the broker's log"),
    ],
)
def test_a_start_that_ends_says_why_nothing_came(
    monkeypatch: pytest.MonkeyPatch, problem: KafkaError | KafkaException | None, sentence: str
) -> None:
    table = TableReader(KafkaConnection("nowhere:1"), "table", lambda *_: None)
    monkeypatch.setattr(tables, "table_consumer", lambda _: Broker(table, problem))
    monkeypatch.setattr(table, "_thread", Idle())
    monkeypatch.setattr(table, "_caught_up", Reading([table._read]))
    with pytest.raises(Unavailable, match=sentence):
        table.start()
