"""When a fleet's files are due, and what a logger sends first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from quantrac.local.demo import demo_stations
from quantrac.local.simulator import NotAcknowledged
from quantrac.local.simulator.backlog import Backlog
from quantrac.local.simulator.data_logger import DataLogger
from quantrac.local.simulator.fleet import Schedule, on_grid

DEMO = {record.code: record.to_domain() for record in demo_stations()}
CODE = "HN_DEMO_KHI001"
FIVE = timedelta(minutes=5)
SEVEN = datetime(2026, 3, 25, tzinfo=UTC)
"""07:00 at the station."""


class Line:
    """A connection that acknowledges while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.received: list[str] = []

    def send(self, folder: str, name: str, content: bytes) -> str:
        if not self.up:
            raise NotAcknowledged("timed out")
        self.received.append(name)
        return "226 done"

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *exception: object) -> None:
        pass


@pytest.fixture
def line() -> Line:
    return Line()


def data_logger(folder: Path, line: Line, code: str = CODE, stop: Event | None = None) -> DataLogger:
    return DataLogger(DEMO[code], 1, Backlog(folder), lambda: line, stop or Event())


def name_at(minutes: int, code: str = CODE) -> str:
    local = SEVEN + timedelta(hours=7, minutes=minutes)
    return f"{code}_{local:%Y%m%d%H%M%S}.txt"


def test_the_grid_is_that_of_the_local_day() -> None:
    at = datetime(2026, 3, 25, 3, 59, 31, tzinfo=UTC)
    assert on_grid(DEMO[CODE], at) == datetime(2026, 3, 25, 3, 55, tzinfo=UTC)
    assert on_grid(DEMO["HN_DEMO_KHINEN"], at) == datetime(2026, 3, 25, 3, tzinfo=UTC)


def test_stations_spread_over_the_first_seconds_of_their_interval() -> None:
    jitters = [Schedule().jitter(station) for station in DEMO.values()]
    assert len(set(jitters)) == len(DEMO)
    assert timedelta(0) <= min(jitters) < timedelta(seconds=4) < max(jitters) <= timedelta(seconds=20)
    assert max(Schedule(every_s=5).jitter(station) for station in DEMO.values()) < timedelta(seconds=0.5)


def test_the_current_file_goes_first_then_three_of_the_backlog_oldest_first(
    tmp_path: Path, line: Line
) -> None:
    logger = data_logger(tmp_path, line)
    for number in range(5):
        logger.measure(SEVEN + number * FIVE)
    logger.cycle(SEVEN + 5 * FIVE)
    assert line.received == [name_at(25), name_at(0), name_at(5), name_at(10)]
    assert logger.backlog.names() == [name_at(15), name_at(20)]
    logger.cycle(SEVEN + 6 * FIVE)
    assert line.received[4:] == [name_at(30), name_at(15), name_at(20)]
    assert logger.backlog.names() == []


def test_the_first_cycle_may_send_the_whole_backlog(tmp_path: Path, line: Line) -> None:
    logger = data_logger(tmp_path, line)
    for number in range(12):
        logger.measure(SEVEN + number * FIVE)
    logger.cycle(SEVEN + 12 * FIVE, resend=None)
    assert len(line.received) == 13
    assert logger.backlog.names() == []


def test_what_is_not_acknowledged_stays_with_its_bytes(tmp_path: Path, line: Line) -> None:
    logger = data_logger(tmp_path, line)
    line.up = False
    logger.cycle(SEVEN)
    before = logger.backlog.read(name_at(0))
    line.up = True
    again = data_logger(tmp_path, line)  # another process on the same folder
    assert again.backlog.names() == [name_at(0)]
    assert again.backlog.read(name_at(0)) == before
    again.cycle(SEVEN + FIVE)
    assert line.received == [name_at(5), name_at(0)]


def test_a_silent_hour_is_measured_and_resent_afterwards(tmp_path: Path, line: Line) -> None:
    # With seed 1 this station's line is down from 08:29 to 09:29.
    logger = data_logger(tmp_path, line, "DEMO_KHIXMG")
    for minutes in range(85, 175, 5):
        logger.cycle(SEVEN + timedelta(minutes=minutes))
    rounds = [
        (85,),
        (150, 90, 95, 100),
        (155, 105, 110, 115),
        (160, 120, 125, 130),
        (165, 135, 140, 145),
        (170,),
    ]
    assert line.received == [name_at(minutes, "DEMO_KHIXMG") for each in rounds for minutes in each]


def test_a_stop_ends_a_resend_between_two_files(tmp_path: Path, line: Line) -> None:
    stop = Event()
    logger = data_logger(tmp_path, line, stop=stop)
    stop.set()
    logger.cycle(SEVEN)
    assert line.received == []
    assert logger.backlog.names() == [name_at(0)]


def test_a_half_written_file_is_no_part_of_the_backlog(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path)
    (tmp_path / f"{name_at(0)}.part").write_bytes(b"NO\t3.")
    assert backlog.names() == []
