from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from quantrac.io.health import Health
from quantrac.local.errors import LocalError
from quantrac.local.java import parse_java_version
from quantrac.local.process import ProcessSpec, SupervisedProcess, backoff_s, cut_log
from quantrac.local.state import Phase
from quantrac.local.supervisor import start_order


def spec(name: str, *after: str) -> ProcessSpec:
    return ProcessSpec(name=name, argv=["true"], after=after)


def names(specs: list[ProcessSpec]) -> list[str]:
    return [each.name for each in specs]


def test_a_process_starts_after_those_it_names():
    ordered = start_order(
        [spec("api", "clickhouse"), spec("validator", "broker"), spec("clickhouse"), spec("broker")]
    )
    assert names(ordered) == ["clickhouse", "broker", "api", "validator"]


def test_processes_without_wishes_keep_their_order():
    assert names(start_order([spec("b"), spec("a"), spec("c")])) == ["b", "a", "c"]


def test_those_it_waits_for_by_itself_come_first_and_stop_last_too():
    door = ProcessSpec(name="door", argv=["true"], uses=("broker",))
    assert names(start_order([door, spec("broker")])) == ["broker", "door"]
    assert door.outlived_by == {"broker"}


def test_a_circle_is_refused_and_named():
    with pytest.raises(ValueError, match=r"^These processes wait for each other: a, b\.$"):
        start_order([spec("a", "b"), spec("b", "a"), spec("free")])


def test_an_unknown_predecessor_is_refused_and_named():
    with pytest.raises(ValueError, match=r"^api comes after clickhouse, which is not among the processes\.$"):
        start_order([spec("api", "clickhouse")])


def test_a_name_used_twice_is_refused():
    with pytest.raises(ValueError, match=r"^Two processes have the same name: a, a\.$"):
        start_order([spec("a"), spec("a")])


def test_back_off_doubles_from_half_a_second_to_thirty():
    assert [backoff_s(deaths) for deaths in range(1, 9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert backoff_s(10_000) == 30.0


def test_a_log_past_its_limit_begins_again_and_one_old_one_stays(tmp_path):
    log = tmp_path / "api.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 11)
        writer.flush()
        cut_log(log, limit_bytes=10)
        writer.write(b"next")
    assert log.read_bytes() == b"next"
    assert (tmp_path / "api.log.1").read_bytes() == b"x" * 11


def test_a_log_within_its_limit_is_left_alone(tmp_path):
    log = tmp_path / "api.log"
    log.write_bytes(b"x" * 10)
    cut_log(log, limit_bytes=10)
    cut_log(tmp_path / "absent.log")
    assert [path.name for path in tmp_path.iterdir()] == ["api.log"]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "25.0.2" 2026-01-20 LTS\nOpenJDK Runtime Environment', 25),
        ('openjdk version "17" 2021-09-14', 17),
        ('java version "1.8.0_392"', 8),
        ("no such thing", 0),
    ],
)
def test_the_java_version_is_read_from_what_java_prints(text, version):
    assert parse_java_version(text) == version


def test_a_local_error_is_its_sentence():
    assert str(LocalError("Port 21 is in use.")) == "Port 21 is in use."


class AtOnce(Executor):
    """Answers before it is asked to."""

    def submit(self, call, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
        return future


class Played(SupervisedProcess):
    """A process that is only played; says what its health is when the test has set it."""

    def __init__(self, tmp_path):
        self.health: Health | Exception = Health(False)
        self.kills = 0
        asked = ProcessSpec(name="validator", argv=["true"], health=self._say, uses=("clickhouse",))
        super().__init__(asked, tmp_path / "validator.log", lambda: datetime(2026, 3, 25, tzinfo=UTC))

    def _say(self):
        if isinstance(self.health, Exception):
            raise self.health
        return self.health

    def _spawn(self):
        return SimpleNamespace(pid=4711, poll=lambda: None)

    def kill(self):
        self.kills += 1

    def live(self, since, seconds, *, supported=True):
        for second in range(since, since + seconds):
            self.step(float(second), AtOnce(), supported=supported)


def test_a_process_has_its_whole_time_to_get_ready_once_those_it_waits_for_are_ready(tmp_path):
    process = Played(tmp_path)
    process.start(0.0)
    process.live(0, 30)
    process.live(30, 600, supported=False)
    process.live(630, 29)
    assert process.kills == 0
    process.live(659, 5)
    assert process.kills == 1


def test_a_process_that_has_been_ready_is_never_killed_for_not_being_so(tmp_path):
    process = Played(tmp_path)
    process.health = Health(True)
    process.start(0.0)
    process.live(0, 3)
    process.health = Health(False, "the broker has not answered for 61 s")
    process.live(3, 600)
    assert (process.state.phase, process.state.reason) == (
        Phase.UNREADY,
        "the broker has not answered for 61 s",
    )
    assert process.kills == 0


def test_a_check_that_hangs_does_not_leave_the_last_answer_standing(tmp_path):
    class Never(Executor):
        def submit(self, call, /, *args, **kwargs):
            return Future()

    process = Played(tmp_path)
    process.health = Health(True)
    process.start(0.0)
    process.live(0, 2)
    for second in range(2, 24):
        process.step(float(second), Never())
    assert process.state.phase is Phase.UNREADY
    assert process.state.reason.startswith("no answer about its health for")
    process._check.set_result(Health(True))
    process.live(24, 2)
    assert (process.state.phase, process.state.reason) == (Phase.READY, "")


def test_the_state_says_why_a_process_is_not_ready_and_what_a_ready_one_waits_for(tmp_path):
    process = Played(tmp_path)
    process.start(0.0)
    for health, phase, reason in [
        (Health(False, "no partitions yet"), Phase.STARTING, "no partitions yet"),
        (Health(True, "spool: no progress"), Phase.READY, "spool: no progress"),
        (Health(True), Phase.READY, ""),
        (RuntimeError("no answer"), Phase.UNREADY, "RuntimeError: no answer"),
    ]:
        process.health = health
        process.live(round(process._stepped) + 1, 12)
        assert (process.state.phase, process.state.reason) == (phase, reason)
