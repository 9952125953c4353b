"""What the sender does with each answer of a target, and what a process that is killed leaves behind."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import Filter, OutboxFile, State
from quantrac.io.progress import Progress
from quantrac.testing.builders import NOON
from services.forwarder.backoff import Backoff
from services.forwarder.files.housekeeping import Housekeeping
from services.forwarder.files.sender import BLOCKING_TRIES, IDLE_SECONDS, MOST_REFUSALS, Sender
from services.forwarder.files.target import CouldNotConnect, FileRefused, TransferError, describe


class Killed(BaseException):
    """Stands for a kill -9: nothing that comes after it is done."""


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


class FakeTarget:
    """A server in memory; ``behave`` is called with the name of each file before it is stored."""

    def __init__(self, behave: Callable[[str], None] = lambda _: None) -> None:
        self.files: dict[str, bytes] = {}
        self.stored: list[str] = []
        self.closed = 0
        self.behave, self.after = behave, lambda: None

    def send(self, folder: str, name: str, content: bytes) -> None:
        self.behave(name)
        self.files[f"{folder}/{name}"] = content
        self.stored.append(name)
        self.after()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    yield opened
    opened.close()


def put(outbox: Outbox, group: str = "A", minutes: float = 0, content: bytes = b"x") -> None:
    time = NOON + timedelta(minutes=minutes)
    outbox.put(OutboxFile(group, f"{group}{minutes:g}.txt", f"{group}/2026/03/25", time, content))


def sender(outbox: Outbox, target: FakeTarget, clock: Clock, **options: object) -> Sender:
    backoff = Backoff(uniform=lambda low, high: high)
    return Sender(outbox, target, clock=clock, backoff=backoff, **options)  # type: ignore[arg-type]


def step(sender: Sender) -> float:
    return sender.step(threading.Event())


def states(outbox: Outbox) -> dict[str, str]:
    return {entry.name: entry.state.value for entry in outbox.entries(Filter())}


def failing(error: Exception, *names: str) -> Callable[[str], None]:
    def behave(name: str) -> None:
        if not names or name in names:
            raise error

    return behave


def test_what_waits_is_sent_into_its_folder_and_noted(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget()
    put(outbox, "A", 0, b"a")
    put(outbox, "B", 5, b"b")
    assert step(sender(outbox, target, clock)) == 0.0
    assert target.files == {"A/2026/03/25/A0.txt": b"a", "B/2026/03/25/B5.txt": b"b"}
    assert states(outbox) == {"B5.txt": "sent", "A0.txt": "sent"}


def test_with_nothing_to_send_it_takes_leave_and_looks_again_after_a_second(
    outbox: Outbox, clock: Clock
) -> None:
    target = FakeTarget()
    assert (step(sender(outbox, target, clock)), target.closed) == (IDLE_SECONDS, 1)


def test_a_station_with_a_backlog_holds_up_no_other_one(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget()
    for minutes in range(-60, 0, 5):
        put(outbox, "A", minutes)
    loop = sender(outbox, target, clock)
    step(loop)
    put(outbox, "B", 0)
    step(loop)
    assert target.stored == ["A-60.txt", "B0.txt", "A-55.txt"]


def test_the_present_goes_before_the_past_of_a_station_where_that_is_asked_for(
    outbox: Outbox, clock: Clock
) -> None:
    target = FakeTarget()
    for minutes in (-120, -115, -5, 0):
        put(outbox, "A", minutes)
    loop = sender(outbox, target, clock, present_first=True)
    while step(loop) == 0.0:
        pass
    assert target.stored == ["A-5.txt", "A0.txt", "A-120.txt", "A-115.txt"]


def test_several_senders_share_the_stations_and_none_is_left_out(outbox: Outbox, clock: Clock) -> None:
    for number in range(20):
        put(outbox, f"S{number}")
    targets = [FakeTarget(), FakeTarget(), FakeTarget()]
    for number, target in enumerate(targets):
        step(sender(outbox, target, clock, share=(number, 3)))
    stored = [name for target in targets for name in target.stored]
    assert sorted(stored) == sorted(f"S{number}0.txt" for number in range(20))
    assert all(target.stored for target in targets)


def test_a_target_that_is_away_is_tried_ever_less_often_and_then_gets_everything_in_order(
    outbox: Outbox, clock: Clock
) -> None:
    target = FakeTarget(failing(CouldNotConnect("530 Login incorrect")))
    put(outbox, "A", 0)
    put(outbox, "A", 5)
    loop = sender(outbox, target, clock)
    assert [step(loop) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    (waiting, failed) = outbox.entries(Filter())
    assert (failed.state, failed.reason, failed.tries) == (State.COULD_NOT_CONNECT, "530 Login incorrect", 0)
    assert waiting.state is State.WAITING
    target.behave = lambda _: None
    step(loop)
    step(loop)
    assert target.stored == ["A0.txt", "A5.txt"]


def test_a_transfer_that_breaks_off_is_repeated_before_the_stations_next_file(
    outbox: Outbox, clock: Clock
) -> None:
    target = FakeTarget(failing(TransferError("the target has 3 bytes of 10"), "A0.txt"))
    for group, minutes in (("A", 0), ("A", 5), ("B", -5)):
        put(outbox, group, minutes)
    loop = sender(outbox, target, clock)
    assert step(loop) == 1.0
    assert states(outbox)["A0.txt"] == "transfer-error"
    step(loop)
    assert target.stored == ["B-5.txt"]
    target.behave = lambda _: None
    clock.now += timedelta(seconds=2)
    step(loop)
    step(loop)
    assert target.stored == ["B-5.txt", "A0.txt", "A5.txt"]


def test_a_file_that_always_breaks_off_does_not_end_its_station(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget(failing(TransferError("reset"), "A0.txt"))
    put(outbox, "A", 0)
    put(outbox, "A", 5)
    loop = sender(outbox, target, clock)
    for _ in range(BLOCKING_TRIES):
        assert target.stored == []
        step(loop)
        clock.now += timedelta(hours=1)
    step(loop)
    assert target.stored == ["A5.txt"]
    assert states(outbox) == {"A5.txt": "sent", "A0.txt": "transfer-error"}


def test_a_refused_file_stands_back_and_is_tried_again_within_the_hour(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget(failing(FileRefused("553 Could not create file."), "A0.txt"))
    put(outbox, "A", 0)
    put(outbox, "A", 5)
    loop = sender(outbox, target, clock)
    assert step(loop) == 0.0
    step(loop)
    assert states(outbox) == {"A5.txt": "sent", "A0.txt": "refused"}
    target.behave = lambda _: None
    clock.now += timedelta(hours=1)
    step(loop)
    assert states(outbox)["A0.txt"] == "sent"


def test_a_target_that_refuses_everything_is_not_hurried_through_the_backlog(
    outbox: Outbox, clock: Clock
) -> None:
    target = FakeTarget(failing(FileRefused("550 Permission denied.")))
    for minutes in range(MOST_REFUSALS + 2):
        put(outbox, "A", minutes)
    loop = sender(outbox, target, clock)
    assert [step(loop) for _ in range(MOST_REFUSALS + 1)] == [0.0] * (MOST_REFUSALS - 1) + [1.0, 2.0]
    assert outbox.counts(Filter())[State.WAITING] == 1


def test_a_target_that_was_away_for_long_is_not_held_against_the_file(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget(failing(CouldNotConnect("timed out")))
    put(outbox, "A", 0)
    put(outbox, "A", 5)
    loop = sender(outbox, target, clock)
    for _ in range(10):
        step(loop)
    target.behave = failing(TransferError("reset"), "A0.txt")
    step(loop)
    step(loop)
    assert target.stored == []


def test_a_role_whose_target_is_away_is_not_ready_and_says_why(outbox: Outbox, clock: Clock) -> None:
    seconds = 0.0
    progress = Progress(60, name="file target", monotonic=lambda: seconds)
    put(outbox)
    loop = sender(outbox, FakeTarget(failing(CouldNotConnect("timed out"))), clock, progress=progress)
    step(loop)
    assert progress.problem() == ""
    seconds = 61.0
    step(loop)
    assert progress.problem() == "file target: no progress for 61 s on a batch of 1: timed out"


def test_an_outbox_that_cannot_be_read_is_waited_for(
    outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OutboxUnavailable("disk I/O error")

    seconds = 0.0
    progress = Progress(60, monotonic=lambda: seconds)
    loop = sender(outbox, FakeTarget(), clock, progress=progress)
    monkeypatch.setattr(outbox, "next_files", fail)
    assert step(loop) == IDLE_SECONDS
    seconds = 61.0
    assert progress.problem() == "no progress for 61 s on a batch of 1: the outbox: disk I/O error"


def test_what_changes_while_it_is_sent_is_sent_again(outbox: Outbox, clock: Clock) -> None:
    target = FakeTarget()
    put(outbox)
    target.after = lambda: put(outbox, content=b"corrected")
    loop = sender(outbox, target, clock)
    step(loop)
    target.after = lambda: None
    step(loop)
    assert target.files == {"A/2026/03/25/A0.txt": b"corrected"}
    assert target.stored == ["A0.txt", "A0.txt"]


@pytest.mark.parametrize("moment", ["before it is stored", "after it is stored"])
def test_a_process_that_is_killed_loses_nothing_and_sends_the_same_bytes(
    moment: str, tmp_path: Path, clock: Clock
) -> None:
    def kill(*_: str) -> None:
        raise Killed

    target = FakeTarget()
    first = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    put(first, content=b"12.4")
    if moment == "before it is stored":
        target.behave = kill
    else:
        target.after = kill
    with pytest.raises(Killed):
        step(sender(first, target, clock))
    before = dict(target.files)
    first.close()
    target.behave, target.after = lambda _: None, lambda: None
    again = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    step(sender(again, target, clock))
    assert target.files == {"A/2026/03/25/A0.txt": b"12.4"}
    assert before in ({}, target.files)
    assert again.next_files() == []
    again.close()


def test_what_was_never_sent_is_named_when_it_is_given_up(
    outbox: Outbox, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox)
    put(outbox, "B")
    outbox.mark(outbox.next_files()[0], State.SENT)
    clock.now += timedelta(days=31)
    Housekeeping(outbox, days=30, clock=clock).prune()
    assert states(outbox) == {}
    assert "given up after 30 days without being sent: {'waiting': 1} files" in caplog.text


def test_an_error_is_told_in_one_line() -> None:
    assert describe(ConnectionRefusedError(111, "Connection refused")) == (
        "ConnectionRefusedError: [Errno 111] Connection refused"
    )
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(Exception("550 no\r\nsuch folder")) == "550 no such folder"
