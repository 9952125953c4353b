from collections.abc import Sequence

import pytest

from quantrac.io.records import Done, Record
from quantrac.io.runner import BatchProcessor, DeadLetterLimit, DeadLetterLimitReached
from quantrac.testing.broker import FakeBroker


class Counting:
    """A handler that counts dead letters of messages other than those of its batch."""

    def __init__(self) -> None:
        self._limit = DeadLetterLimit(consecutive=3)

    def handle(self, batch: Sequence[Record]) -> Done:
        self._limit.count([True] * 3)
        return Done()


def test_a_limit_that_a_handler_counts_stops_the_service_and_is_no_fault_of_a_message() -> None:
    broker = FakeBroker()
    processor = BatchProcessor(service="test.role", producer=broker.producer(), handler=Counting())
    with pytest.raises(DeadLetterLimitReached, match="3 dead letters in a row"):
        processor.process([Record("in", b"k", b"1"), Record("in", b"k", b"2")])
    assert broker.records("in.dlq") == []
