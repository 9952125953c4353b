"""How long the start of a table waits for its topic."""

from collections.abc import Callable

import pytest

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
    with pytest.raises(TimeoutError, match="nothing of the topic table"):
        start(monkeypatch, records=3, silences=1)
