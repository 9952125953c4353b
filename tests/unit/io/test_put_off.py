"""What the log tells of a batch that is put off."""

import logging

import pytest

from quantrac.io.records import Done, NotNow, Record
from quantrac.io.runner import BatchProcessor
from quantrac.testing.broker import FakeBroker

BATCH = [Record("in", b"k", b"1")]
USUAL = NotNow("the registry's record 7 has not come yet", 1.0, is_usual=True)
AWAY = NotNow("ClickHouse: connection refused", 1.0)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Handler:
    answer: Done | NotNow = USUAL

    def handle(self, _: object) -> Done | NotNow:
        return self.answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def processor(clock: Clock, handler: Handler, caplog: pytest.LogCaptureFixture) -> BatchProcessor:
    caplog.set_level(logging.DEBUG)
    producer = FakeBroker().producer()
    return BatchProcessor(service="test.role", producer=producer, handler=handler, monotonic=clock)


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_what_is_usual_is_no_warning(processor: BatchProcessor, caplog: pytest.LogCaptureFixture) -> None:
    assert processor.process(BATCH) == USUAL
    assert levels(caplog) == ["DEBUG"]


def test_what_is_usual_and_lasts_is_a_warning_with_its_reason(
    processor: BatchProcessor, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for clock.seconds in (0.0, 29.0, 30.0, 31.0, 59.0, 60.0):
        processor.process(BATCH)
    assert levels(caplog) == ["DEBUG", "DEBUG", "WARNING", "DEBUG", "DEBUG", "WARNING"]
    assert caplog.messages[-1] == f"not now: {USUAL.reason}"


def test_a_batch_that_is_done_ends_the_wait(
    processor: BatchProcessor, handler: Handler, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for clock.seconds, handler.answer in ((0.0, USUAL), (20.0, Done()), (40.0, USUAL)):
        processor.process(BATCH)
    assert levels(caplog) == ["DEBUG", "DEBUG"]


def test_what_another_system_is_to_blame_for_is_a_warning_at_once(
    processor: BatchProcessor, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    handler.answer = AWAY
    processor.process(BATCH)
    assert levels(caplog) == ["WARNING"]
