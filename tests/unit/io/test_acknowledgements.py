"""In which order a stream's messages are acknowledged."""

from quantrac.io.acknowledgements import Acknowledgements
from quantrac.io.partitions import Partition
from quantrac.io.records import Record


class Event:
    def __init__(self, log: list[tuple[int, int]], record: Record) -> None:
        self._log, self._record = log, record

    def ack(self) -> None:
        self._log.append((self._record.partition, self._record.offset))


def record(offset: int, partition: int = 0) -> Record:
    return Record("dirty", b"S", b"", {}, partition, offset)


def collected(log: list[tuple[int, int]], *records: Record) -> Acknowledgements:
    acknowledgements = Acknowledgements()
    for item in records:
        assert acknowledgements.add(item, Event(log, item))
    return acknowledgements


def test_a_message_is_acknowledged_after_all_before_it_in_its_partition() -> None:
    log: list[tuple[int, int]] = []
    messages = [record(5), record(6), record(7), record(2, partition=1)]
    acknowledgements = collected(log, *messages)
    acknowledgements.finish([record(7), record(6)])
    assert log == []
    acknowledgements.finish([record(2, partition=1)])
    assert log == [(1, 2)]
    acknowledgements.finish([record(5)])
    assert log == [(1, 2), (0, 5), (0, 6), (0, 7)]


def test_a_message_that_comes_again_is_not_new_and_is_acknowledged_by_its_last_event() -> None:
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    acknowledgements = collected(before, record(5))
    assert not acknowledgements.add(record(5), Event(after, record(5)))
    acknowledgements.finish([record(5)])
    assert (before, after) == ([], [(0, 5)])


def test_messages_before_those_that_wait_come_again_after_a_rebalance_and_count() -> None:
    log: list[tuple[int, int]] = []
    acknowledgements = collected(log, record(5), record(6))
    acknowledgements.finish([record(5)])
    assert acknowledgements.add(record(5), Event(log, record(5)))
    acknowledgements.finish([record(6)])
    assert log == [(0, 5)]
    acknowledgements.finish([record(5)])
    assert log == [(0, 5), (0, 5), (0, 6)]


def test_messages_of_partitions_that_are_gone_are_not_acknowledged() -> None:
    log: list[tuple[int, int]] = []
    acknowledgements = collected(log, record(5), record(6, partition=1))
    acknowledgements.retain([Partition("dirty", 1)])
    acknowledgements.finish([record(5), record(6, partition=1)])
    assert log == [(1, 6)]
