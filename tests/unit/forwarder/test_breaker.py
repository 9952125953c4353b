"""When a request goes to the ministry, by a clock that the test puts forward."""

import pytest

from services.forwarder.backoff import Backoff
from services.forwarder.breaker import CircuitBreaker, CircuitOpen


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(Backoff(lambda _, high: high), monotonic=clock)


def wait_of(breaker: CircuitBreaker) -> float:
    with pytest.raises(CircuitOpen) as caught:
        breaker.check()
    return caught.value.retry_after


def test_two_failures_in_a_row_may_be_a_connection_that_broke(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.fail("reset")
        breaker.fail("reset")
        breaker.admit()
        breaker.close()
    assert not breaker.is_open


def test_the_third_failure_opens_and_the_reason_is_said(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        breaker.admit()
        breaker.fail("ConnectError: refused")
    assert breaker.is_open
    with pytest.raises(CircuitOpen, match=r"^ConnectError: refused$"):
        breaker.admit()


def test_a_ministry_that_is_away_is_asked_ever_more_rarely_down_to_once_a_minute(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(2):
        breaker.fail("away")
    waits = []
    for _ in range(9):
        breaker.admit()
        breaker.fail("away")
        waits.append(wait_of(breaker))
        clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_one_request_at_a_time_finds_out_whether_the_ministry_is_back(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    for _ in range(3):
        breaker.fail("away")
    clock.now += 1
    breaker.check()
    breaker.admit()
    assert wait_of(breaker) == 1.0
    breaker.close()
    breaker.admit()
    breaker.admit()


def test_failures_of_requests_sent_before_it_opened_make_the_wait_no_longer(breaker: CircuitBreaker) -> None:
    for _ in range(8):
        breaker.fail("away")
    assert wait_of(breaker) == 1.0


def test_a_ministry_that_says_when_is_asked_no_sooner_and_after_ten_minutes_at_the_latest(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.fail("429: slow down", retry_after=20.0)
    assert wait_of(breaker) == 21.0
    clock.now += 21
    breaker.admit()
    breaker.fail("503: maintenance", retry_after=86_400.0)
    assert wait_of(breaker) == 602.0


def test_an_answer_ends_the_back_off(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.fail("away")
    clock.now += 1
    breaker.admit()
    breaker.fail("away")
    clock.now += 2
    breaker.admit()
    breaker.close()
    for _ in range(3):
        breaker.fail("away")
    assert wait_of(breaker) == 1.0


def test_the_wait_is_spread_over_its_whole_length() -> None:
    assert Backoff(uniform=lambda low, high: low).next() == 0.0
    assert all(0.0 <= Backoff().next() <= 1.0 for _ in range(100))
