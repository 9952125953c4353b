"""The smallest role, as a newcomer copies it: what it decides."""

from examples.count_rejects import CountRejectsHandler
from quantrac.io.records import Record
from schemas.examples import example


def test_the_example_decides_without_a_broker_and_twice_the_same() -> None:
    record = Record("parsed-reading", b"HN_DEMO_KHI001", example("parsed-reading.json"))
    unreadable = Record("parsed-reading", b"HN_DEMO_KHI001", b"{")
    done = CountRejectsHandler("reject-count").handle([record, unreadable, record])
    assert done.records == [Record("reject-count", record.key, b'{"value-not-a-number": 1}')] * 2
    assert [letter.record for letter in done.dead] == [unreadable]
