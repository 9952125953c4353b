import threading

import pytest

from quantrac.io.threads import run_threads
from support.waiting import LIMIT


def patient(stop: threading.Event) -> None:
    assert stop.wait(LIMIT)


def test_all_loops_run_until_they_are_told_to_stop() -> None:
    stop = threading.Event()
    both = threading.Barrier(2, action=stop.set)

    def loop(stop: threading.Event) -> None:
        both.wait(LIMIT)
        patient(stop)

    run_threads({"a": loop, "b": loop}, stop)
    assert stop.is_set()


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1)])
def test_one_that_fails_ends_all_of_them_with_its_error(error: BaseException) -> None:
    def fails(_: threading.Event) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_threads({"patient": patient, "fails": fails}, threading.Event())
    assert caught.value is error


def test_one_that_ends_by_itself_counts_as_failed() -> None:
    with pytest.raises(RuntimeError, match="lazy ended by itself"):
        run_threads({"patient": patient, "lazy": lambda _: None}, threading.Event())
