"""When a loop counts as stalled, by a clock that the test puts forward."""

import threading
from collections.abc import Callable, Sequence

import pytest

from quantrac.io.health import Health, health_answer, unless
from quantrac.io.progress import Progress
from quantrac.io.records import Done, NotNow, Record
from quantrac.io.role import Work
from quantrac.io.runner import Runner
from quantrac.testing.broker import FakeBroker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(60.0, monotonic=clock)


def test_a_loop_that_has_not_begun_is_not_stalled(progress: Progress, clock: Clock) -> None:
    clock.now += 3600
    assert progress.problem() == ""


def test_a_loop_that_comes_round_and_has_nothing_to_do_is_not_stalled(
    progress: Progress, clock: Clock
) -> None:
    for _ in range(100):
        progress.round()
        progress.idle({})
        clock.now += 10
    assert progress.problem() == ""


def test_a_loop_that_does_not_come_round_is_stalled(progress: Progress, clock: Clock) -> None:
    progress.round()
    clock.now += 61
    assert progress.problem() == "the loop has stood still for 61 s"


def test_a_long_batch_of_which_parts_are_dealt_with_is_not_stalled(progress: Progress, clock: Clock) -> None:
    progress.advance()
    progress.begin(25)
    for _ in range(10):
        clock.now += 50
        progress.advance()
    assert progress.problem() == ""
    clock.now += 61
    assert progress.problem() == "no progress for 61 s on a batch of 25"


def test_a_batch_under_way_for_too_long_is_named_with_the_reason_it_was_put_off(
    progress: Progress, clock: Clock
) -> None:
    progress.begin(25)
    clock.now += 61
    assert progress.problem() == "no progress for 61 s on a batch of 25"
    progress.postpone("ClickHouse does not answer")
    progress.begin(25)
    clock.now += 10
    assert progress.problem() == "no progress for 71 s on a batch of 25: ClickHouse does not answer"


def test_a_batch_that_is_done_is_forgotten(progress: Progress, clock: Clock) -> None:
    progress.begin(25)
    progress.postpone("busy")
    clock.now += 59
    progress.end()
    progress.begin(25)
    clock.now += 59
    assert progress.problem() == ""
    clock.now += 2
    assert progress.problem() == "no progress for 61 s on a batch of 25"


def test_commits_refused_in_a_row_are_no_progress(progress: Progress, clock: Clock) -> None:
    progress.commit(accepted=False)
    clock.now += 3600
    assert progress.problem() == ""  # one refusal is a rebalance, however long ago
    progress.commit(accepted=True)
    for _ in range(7):
        progress.commit(accepted=False)
        clock.now += 11
    assert progress.problem() == "the broker has refused every commit for 66 s"
    progress.commit(accepted=True)
    assert progress.problem() == ""


def test_messages_that_wait_and_do_not_come_are_named_by_their_partition(
    progress: Progress, clock: Clock
) -> None:
    for position in range(7):
        progress.idle({("raw-file", 2): position, ("raw-file", 3): 17})
        clock.now += 11
    assert progress.problem() == "messages wait in raw-file[3] and none has come for 77 s"
    progress.idle({("raw-file", 2): 7})
    assert progress.problem() == ""


def test_messages_that_wait_while_a_batch_is_put_off_begin_to_wait_after_it(
    progress: Progress, clock: Clock
) -> None:
    progress.idle({("raw-file", 3): 17})
    progress.begin(1)
    progress.postpone("busy")
    clock.now += 300
    progress.end()
    progress.idle({("raw-file", 3): 17})
    assert progress.problem() == ""


def test_a_broker_that_does_not_say_what_waits_is_named_in_the_end(progress: Progress, clock: Clock) -> None:
    for _ in range(7):
        progress.idle(None)
        clock.now += 10
    assert progress.problem() == "the broker has not answered for 70 s"
    progress.idle({})
    assert progress.problem() == ""


def test_an_idle_loop_asks_six_times_within_the_limit(progress: Progress, clock: Clock) -> None:
    assert progress.is_count_due()
    progress.idle({})
    clock.now += 9
    assert not progress.is_count_due()
    clock.now += 1
    assert progress.is_count_due()


def test_a_loop_among_others_says_its_name(clock: Clock) -> None:
    progress = Progress(60.0, name="spool", monotonic=clock)
    progress.begin(2)
    clock.now += 61
    assert progress.problem() == "spool: no progress for 61 s on a batch of 2"


class Handler:
    """Answers what the test says."""

    def __init__(self, answer: Callable[[Sequence[Record]], Done | NotNow]) -> None:
        self.handle = answer


def make_runner(progress: Progress, answer: Callable[[Sequence[Record]], Done | NotNow]) -> Runner:
    broker = FakeBroker()
    producer = broker.producer()
    producer.produce([Record("in", b"k", b"1"), Record("in", b"k", b"2")])
    producer.flush()
    return Runner(
        service="test.role",
        consumer=broker.consumer("group", ["in"]),
        producer=producer,
        handler=Handler(answer),
        poll_timeout=0.0,
        progress=progress,
    )


def test_a_runner_whose_handler_says_not_now_for_ever_is_stalled(progress: Progress, clock: Clock) -> None:
    stop, problems = threading.Event(), []

    def answer(_: Sequence[Record]) -> NotNow:
        problems.append(progress.problem())
        clock.now += 25
        if len(problems) == 4:
            stop.set()
        return NotNow("the store is away", 2.0)

    make_runner(progress, answer).step(stop)
    assert problems == ["", "", "", "no progress for 75 s on a batch of 2: the store is away"]


def test_a_runner_whose_handler_does_not_return_is_stalled(progress: Progress, clock: Clock) -> None:
    problems = []

    def answer(_: Sequence[Record]) -> Done:
        clock.now += 61
        problems.append(progress.problem())
        return Done()

    runner = make_runner(progress, answer)
    runner.step()
    assert problems == ["no progress for 61 s on a batch of 2"]
    runner.step()
    assert progress.problem() == ""


def test_a_role_says_what_its_first_unready_part_says() -> None:
    answers = {"clickhouse": False}
    progress = Progress()
    away = unless(lambda: answers["clickhouse"], "ClickHouse does not answer")
    work = Work(lambda _: None, checks=[progress.problem, away])
    assert work.health() == Health(False, "ClickHouse does not answer")
    answers["clickhouse"] = True
    assert work.health() == Health(True)


def test_the_health_endpoint_carries_the_reason() -> None:
    assert health_answer(Health(True)) == (200, {"status": "ok"})
    assert health_answer(Health(False, "the spool is full")) == (
        503,
        {"status": "not ready", "reason": "the spool is full"},
    )
    assert health_answer(Health(True, "2 files wait")) == (200, {"status": "ok", "reason": "2 files wait"})
