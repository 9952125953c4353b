import pytest

from quantrac.local.errors import LocalError
from quantrac.local.java import parse_java_version
from quantrac.local.process import ProcessSpec, backoff_s, cut_log
from quantrac.local.supervisor import start_order

pytestmark = pytest.mark.unit


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
