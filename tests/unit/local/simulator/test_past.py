"""The past of a demo's stations: which files it has, at what pace they go, and what a restart does."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from quantrac.domain.parsing import parse_file
from quantrac.domain.registry.stations import Station
from quantrac.errors import UserError
from quantrac.local.demo import demo_stations
from quantrac.local.demo.past import STATIONS, past_days
from quantrac.local.simulator import NotAcknowledged, past
from quantrac.local.simulator.faults import is_off, lasting_fault
from quantrac.local.simulator.files import moment_of
from quantrac.local.simulator.past import Correction, Journal, PastFile, PastSender, past_files

DEMO = {record.code: record.to_domain() for record in demo_stations()}
AIR, WASTEWATER = DEMO["HN_DEMO_KHI001"], DEMO["DEMO_NUOBVI"]
UNTIL = datetime(2026, 3, 25, 3, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEED = 1


class Line:
    """Acknowledges, but for the next ``failures`` files; stops the sender at its ``last`` file."""

    def __init__(self, failures: int = 0, last: int | None = None) -> None:
        self.failures, self.last = failures, last
        self.received: list[tuple[str, bytes]] = []
        self.stop = Event()

    def connect(self, station: Station) -> "Line":
        return self

    def send(self, folder: str, name: str, content: bytes) -> str:
        if self.failures:
            self.failures -= 1
            raise NotAcknowledged("timed out")
        self.received.append((name, content))
        if len(self.received) == self.last:
            self.stop.set()
        return "226 done"

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Clockless(Event):
    """A stop that is never waited for; notes how long it would have been."""

    def __init__(self, inner: Event) -> None:
        super().__init__()
        self.inner, self.waits = inner, list[float]()

    def is_set(self) -> bool:
        return self.inner.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.inner.is_set()


def send(
    folder: Path, line: Line, days: float = 1, monotonic: Callable[[], float] = lambda: 0.0
) -> list[float]:
    """Send the past of two stations; returns how long the sender would have waited, each time."""
    stop = Clockless(line.stop)
    journal = Journal(folder / "past.json", UNTIL, days)
    PastSender([AIR, WASTEWATER], journal, line.connect, seed=SEED, stop=stop, monotonic=monotonic).run()
    return stop.waits


def parsed_times(station: Station, name: str, content: bytes) -> list[datetime]:
    readings = parse_file(content, name, station, UNTIL + HOUR).readings
    return sorted({reading.measured_at for reading in readings})


def test_a_file_is_named_by_its_last_time() -> None:
    file = PastFile(AIR, UNTIL.replace(minute=0) - HOUR, HOUR).write(SEED, UNTIL)
    assert file is not None
    assert file[0] == "HN_DEMO_KHI001_20260325095500.txt"
    times = parsed_times(AIR, *file)
    assert (times[0], len(times)) == (UNTIL.replace(minute=0) - HOUR, 12)


def test_the_past_ends_where_that_of_the_logger_begins() -> None:
    *_, last = (file for file in past_files([AIR], UNTIL, 1, SEED) if file.correction is None)
    file = last.write(SEED, UNTIL)
    assert file is not None
    assert parsed_times(AIR, *file)[-1] == UNTIL - timedelta(minutes=2)


def test_it_goes_from_the_oldest_file_to_the_newest_and_then_corrects_two_hours() -> None:
    files = past_files([AIR, WASTEWATER], UNTIL, 7, SEED)
    starts = [file.start for file in files if file.correction is None]
    assert starts == sorted(starts)
    assert (len(starts), starts[0]) == (2 * (7 * 4 + 1), datetime(2026, 3, 18, 3, tzinfo=UTC))
    assert [(file.station, file.correction) for file in files[-2:]] == [(AIR, kind) for kind in Correction]


@pytest.mark.parametrize("day", range(12))
def test_corrected_is_what_was_measured_without_a_fault_a_day_or_more_before_the_end(day: int) -> None:
    until = UNTIL + timedelta(days=day)
    corrected = [file for file in past_files([AIR], until, 2, SEED) if file.correction]
    assert len({file.start for file in corrected}) == 2
    for file in corrected:
        assert file.start <= until - timedelta(days=1)
        assert all(
            lasting_fault(moment_of(AIR, file.start + number * timedelta(minutes=5), SEED), "PM2.5") is None
            for number in range(12)
        )


def test_a_past_too_short_to_be_corrected_is_not() -> None:
    assert not [file for file in past_files([AIR], UNTIL, 0.5, SEED) if file.correction]


@pytest.mark.parametrize("correction", Correction)
def test_a_correction_has_the_name_of_what_it_corrects_and_one_parameter(correction: Correction) -> None:
    start = UNTIL.replace(minute=0) - HOUR
    original, corrected = (PastFile(AIR, start, HOUR, kind).write(SEED, UNTIL) for kind in (None, correction))
    assert original is not None
    assert corrected is not None
    assert corrected[0] == original[0]
    before = {
        reading.measured_at: reading.value
        for reading in parse_file(original[1], original[0], AIR, UNTIL).readings
        if reading.parameter == "PM2.5"
    }
    readings = parse_file(corrected[1], corrected[0], AIR, UNTIL).readings
    assert {reading.parameter for reading in readings} == {"PM2.5"}
    statuses = {reading.status for reading in readings}
    if correction is Correction.DEVICE_ERROR:
        assert statuses == {"02"}
    else:
        assert "00" in statuses
        assert all(
            reading.value == pytest.approx(0.8 * before[reading.measured_at], abs=0.01)
            for reading in readings
        )


def test_a_station_without_power_leaves_a_gap() -> None:
    times = [UNTIL - number * HOUR for number in range(60 * 24)]
    off = [time for time in times if is_off(moment_of(AIR, time, SEED))]
    assert off
    for time in off:
        file = PastFile(AIR, time, HOUR).write(SEED, UNTIL)
        assert file is None or time not in parsed_times(AIR, *file)


def test_every_file_goes_once_and_a_quarter_of_the_time_is_used(tmp_path: Path) -> None:
    line, ticks = Line(), iter(range(10_000))
    waits = send(tmp_path, line, monotonic=lambda: 0.5 * next(ticks))
    files = [file.write(SEED, UNTIL) for file in past_files([AIR, WASTEWATER], UNTIL, 1, SEED)]
    assert line.received == [file for file in files if file is not None]
    assert waits[0] == past.BEHIND_S
    assert sorted(set(waits[1:])) == [1.5, 60.0]


def test_what_is_not_acknowledged_is_sent_again_before_anything_else(tmp_path: Path) -> None:
    line, other = Line(failures=2), Line()
    send(tmp_path / "a", line)
    send(tmp_path / "b", other)
    assert line.received == other.received


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()


def test_a_restart_goes_on_where_it_ended_with_the_same_files(tmp_path: Path) -> None:
    whole, first, second = Line(), Line(last=3), Line()
    send(tmp_path / "a", whole)
    send(tmp_path / "b", first)
    journal = Journal(tmp_path / "b" / "past.json", UNTIL + 5 * HOUR, 3)
    assert (journal.until, journal.days) == (UNTIL, 1)
    send(tmp_path / "b", second)
    assert first.received + second.received[1:] == whole.received, "the one under way is sent twice"
    assert send(tmp_path / "b", Line()) == [], "nothing is left"


def test_the_demos_past_is_a_week_unless_its_variable_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUANTRAC_DEMO_PAST_DAYS", raising=False)
    assert past_days() == 7
    for text, days in (("0", 0), ("2.5", 2.5), ("59", 59)):
        monkeypatch.setenv("QUANTRAC_DEMO_PAST_DAYS", text)
        assert past_days() == days


@pytest.mark.parametrize("text", ["-1", "60", "week", "nan", "1e9"])
def test_a_past_of_no_sense_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("QUANTRAC_DEMO_PAST_DAYS", text)
    with pytest.raises(UserError, match=f"QUANTRAC_DEMO_PAST_DAYS: '?{text}"):
        past_days()


def test_the_stations_with_a_past_are_of_the_demo() -> None:
    assert set(STATIONS) <= set(DEMO)


def _types(stations: Sequence[Station]) -> set[str]:
    return {station.type.value for station in stations}


def test_they_are_of_all_media_that_have_an_index_or_a_permit() -> None:
    types = _types([DEMO[code] for code in STATIONS])
    assert types == {"ambient-air", "surface-water", "stack", "wastewater"}
