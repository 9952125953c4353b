"""Health comes from memory, whatever the look-up does."""

import threading
from collections.abc import Callable

from quantrac.io.health import Health, WatchedHealth

OK, AWAY = Health(True), Health(False, "ClickHouse does not answer.")


class Clock:
    """Seconds, as a test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def of(look_up: Callable[[], Health], clock: Callable[[], float] | None = None) -> WatchedHealth:
    return WatchedHealth(look_up, stale_seconds=15.0, monotonic=clock or Clock())


def test_nothing_is_ready_before_it_has_been_looked_up() -> None:
    watched = of(lambda: OK)
    assert watched.health() == Health(False, "health has not been looked up yet")
    watched.refresh()
    assert watched.health() == OK


def test_what_is_missing_is_named() -> None:
    watched = of(lambda: AWAY)
    watched.refresh()
    assert watched.health() == AWAY


def test_an_answer_that_has_grown_old_is_not_ready() -> None:
    clock = Clock()
    watched = of(lambda: OK, clock)
    watched.refresh()
    clock.now += 15.0
    assert watched.health() == OK
    clock.now += 2.0
    assert watched.health() == Health(False, "health has not been looked up for 17 s")


def test_a_look_up_that_fails_is_not_ready_and_the_next_one_may_be() -> None:
    results = iter((OSError("no route"), OK))

    def look_up() -> Health:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    watched = of(look_up)
    watched.refresh()
    assert watched.health() == Health(False, "health cannot be looked up: no route")
    watched.refresh()
    assert watched.health() == OK


def test_nobody_waits_for_a_look_up_that_hangs() -> None:
    hanging, end = threading.Event(), threading.Event()

    def look_up() -> Health:
        hanging.set()
        end.wait()
        return OK

    watched = of(look_up)
    watched.start()
    hanging.wait()
    assert watched.health() == Health(False, "health has not been looked up yet")
    watched.close()
    end.set()
