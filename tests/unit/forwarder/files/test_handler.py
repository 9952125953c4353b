"""Which files flagged sets become, whatever the order they come in."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.parsing import parse_file
from quantrac.domain.readings import Flag, FlaggedReading, FlaggedSet
from quantrac.domain.transports import IMPORT
from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import Filter, State
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import NOON, flagged_reading, flagged_set, registry, station, station_file
from schemas.codecs.sets import encode_flagged_set
from services.forwarder.files.handler import FilesHandler, Selection

CODE = "HN_BKHN_KHIKXQ"
NAME = f"{CODE}_20260325120000.txt"
DAY = datetime(2026, 3, 24, 17, tzinfo=UTC)
SENT_FLAGS = (Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite")
    yield opened
    opened.close()


def handler(outbox: Outbox, **selection: object) -> FilesHandler:
    usual: dict[str, object] = {"flags": SENT_FLAGS, "since": DAY}
    stations = [station(), station("HN_BERLIN", timezone="Europe/Berlin")]
    chosen = Selection(**(usual | selection))  # type: ignore[arg-type]
    return FilesHandler(outbox, registry(stations, []), chosen, flagged_topic="qa-flagged")


def record(flagged: FlaggedSet | bytes) -> Record:
    value = flagged if isinstance(flagged, bytes) else encode_flagged_set(flagged)
    return Record("qa-flagged", b"", value)


def raw(content: bytes, name: str = NAME, **headers: str) -> Record:
    usual = {
        "file_id": file_id(content),
        "name": name,
        "path": "/2026",
        "account": "bkhn",
        "transport": "ftp",
        "received_at": "2026-03-25T05:01:00Z",
        "traceparent": traceparent(file_id(content)),
        "station": CODE,
    }
    return Record("raw-file", b"", content, {key: text.encode() for key, text in (usual | headers).items()})


def put(outbox: Outbox, *flagged: FlaggedSet, **selection: object) -> None:
    take(handler(outbox, **selection), *map(record, flagged))


def take(files: FilesHandler, *records: Record) -> None:
    verdict = files.handle(records)
    assert isinstance(verdict, Done) and not verdict.dead, verdict


def contents(outbox: Outbox) -> dict[str, bytes]:
    entries = {entry.name: outbox.content(entry) for entry in outbox.entries(Filter())}
    return {name: content for name, content in entries.items() if content is not None}


def line(name: str, text: str, unit: str = "ug/m3", status: str = "00") -> bytes:
    return f"{name}\t{text}\t{unit}\t20260325120000\t{status}\r\n".encode()


def test_a_flagged_set_becomes_the_circulars_file_in_the_folder_of_its_day(outbox: Outbox) -> None:
    readings = [
        flagged_reading(27.8, text="27.80"),
        flagged_reading(23.9, parameter="TEMP", unit="°C", line=2, flag=Flag.SUSPECT),
    ]
    put(outbox, flagged_set(*readings))
    (entry,) = outbox.next_files()
    assert (entry.group, entry.name, entry.folder, entry.time) == (CODE, NAME, f"{CODE}/2026/03/25", NOON)
    assert outbox.content(entry) == line("PM2.5", "27.80") + line("TEMP", "23.9", "oC")


def test_each_time_of_a_set_is_a_file_of_its_own(outbox: Outbox) -> None:
    times = [NOON - timedelta(minutes=5), NOON]
    put(outbox, flagged_set(*(flagged_reading(measured_at=time) for time in times)))
    assert sorted(contents(outbox)) == [f"{CODE}_20260325115500.txt", NAME]


def test_the_clock_is_that_of_the_station(outbox: Outbox) -> None:
    put(outbox, flagged_set(flagged_reading(), station="HN_BERLIN"))
    assert sorted(contents(outbox)) == ["HN_BERLIN_20260325060000.txt"]


def test_what_several_files_say_of_a_time_is_one_file_in_whatever_order_they_come(
    outbox: Outbox, tmp_path: Path
) -> None:
    at = NOON + timedelta(minutes=1)
    sets = [
        flagged_set(flagged_reading(27.8), flagged_reading(9, parameter="NO2", line=2), received_at=at),
        flagged_set(flagged_reading(23.9, parameter="TEMP", unit="°C", line=3), received_at=at),
        # A correction, and a revision of the first file that takes a reading away.
        flagged_set(flagged_reading(28.5), received_at=at + timedelta(minutes=1)),
        flagged_set(
            flagged_reading(9, parameter="NO2", line=2, flag=Flag.FAIL), received_at=at, revision=1, cause="x"
        ),
    ]
    expected = line("PM2.5", "28.5") + line("TEMP", "23.9", "oC")
    for number, order in enumerate(itertools.permutations(sets)):
        if order[0].revision:
            continue  # a topic has a file's revision after the file
        other = Outbox(tmp_path / f"{number}.sqlite")
        put(other, *order, order[0])
        assert contents(other) == {NAME: expected}
        other.close()


def test_a_repeated_batch_leaves_a_sent_file_sent(outbox: Outbox) -> None:
    flagged = flagged_set(flagged_reading())
    put(outbox, flagged)
    outbox.mark(outbox.next_files()[0], State.SENT)
    put(outbox, flagged)
    assert outbox.next_files() == []


def test_a_revision_that_changes_nothing_that_is_sent_sends_nothing(outbox: Outbox) -> None:
    put(outbox, flagged_set(flagged_reading()))
    outbox.mark(outbox.next_files()[0], State.SENT)
    put(outbox, flagged_set(flagged_reading(flag=Flag.SUSPECT), revision=1, cause="late"))
    assert outbox.next_files() == []
    put(outbox, flagged_set(flagged_reading(flag=Flag.FAIL), revision=2, cause="decision"))
    assert outbox.counts(Filter())[State.EMPTY] == 1
    put(outbox, flagged_set(flagged_reading(flag=Flag.GOOD), revision=3, cause="decision"))
    assert contents(outbox) == {NAME: line("PM2.5", "12.4")}


def test_a_revision_of_a_file_that_is_no_longer_there_does_not_replace_it_by_a_part(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox, flagged_set(flagged_reading(), revision=1, cause="late"))
    assert contents(outbox) == {}
    assert (
        f"1 revisions are not sent, of files that the outbox no longer holds, such as {NAME}" in caplog.text
    )


@pytest.mark.parametrize(
    ("flag", "status", "is_sent"),
    [
        (Flag.GOOD, "00", True),
        (Flag.NOT_EVALUATED, "00", True),
        (Flag.SUSPECT, "00", True),
        (Flag.FAIL, "00", False),
        (Flag.MISSING, "00", False),
        (Flag.FAIL, "01", True),
        (Flag.FAIL, "02", True),
        (Flag.FAIL, "03", False),
    ],
)
def test_the_flag_decides_unless_the_status_says_that_a_reading_counts_for_nothing(
    flag: Flag, status: str, is_sent: bool, outbox: Outbox
) -> None:
    put(outbox, flagged_set(flagged_reading(flag=flag, status=status)))
    assert contents(outbox) == {NAME: line("PM2.5", "12.4", status=status) if is_sent else b""}
    assert outbox.counts(Filter())[State.EMPTY] == (not is_sent)


def test_a_file_stamped_by_a_wrong_clock_is_not_sent(outbox: Outbox) -> None:
    # Some systems pass over every file whose name lies before the newest one.
    ahead = flagged_reading(measured_at=NOON + timedelta(days=2))
    put(outbox, flagged_set(ahead, flagged_reading(), received_at=NOON))
    assert sorted(contents(outbox)) == [NAME]


def test_what_was_measured_before_the_first_day_is_history_and_of_other_stations_is_left_out(
    outbox: Outbox,
) -> None:
    reading = flagged_reading()
    put(outbox, flagged_set(reading), since=NOON + timedelta(seconds=1))
    put(outbox, flagged_set(reading, transport=IMPORT))
    put(outbox, flagged_set(reading, station=""), flagged_set(reading), stations=["ANOTHER"])
    assert contents(outbox) == {}


def test_a_bad_message_is_a_dead_letter_with_its_reason_and_the_rest_goes_on(outbox: Outbox) -> None:
    broken, nowhere = record(b'{"station": 7}'), record(flagged_set(flagged_reading(), station=".."))
    verdict = handler(outbox).handle([broken, nowhere, record(flagged_set(flagged_reading()))])
    assert isinstance(verdict, Done)
    assert [letter.record for letter in verdict.dead] == [broken, nowhere]
    assert [letter.reason for letter in verdict.dead] == [
        "no file can be made of it: Expected `str`, got `int` - at `$.station`",
        "no file can be made of it: the name '..' cannot be kept: it means a folder",
    ]
    assert sorted(contents(outbox)) == [NAME]


def test_a_reading_that_no_line_can_carry_is_left_out_and_named(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox, flagged_set(flagged_reading(parameter="a\tb"), flagged_reading(parameter="NO2", line=2)))
    assert contents(outbox) == {NAME: line("NO2", "12.4")}
    assert "is not sent: line 1: a column of 'a\\tb' holds a control character" in caplog.text


def test_with_a_full_disk_the_batch_waits(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OutboxUnavailable("database or disk is full")

    monkeypatch.setattr(outbox, "put", fail)
    verdict = handler(outbox).handle([record(flagged_set(flagged_reading()))])
    assert verdict == NotNow("the outbox cannot be written: database or disk is full", 5.0)


def test_a_stations_own_bytes_are_sent_as_they_came(outbox: Outbox) -> None:
    content = "Nhiệt độ\t23,90\toC\t20260325120000".encode()
    files = handler(outbox, own_bytes=[CODE])
    take(files, raw(content), record(flagged_set(flagged_reading())))
    (entry,) = outbox.next_files()
    assert (entry.name, entry.folder, entry.time) == (NAME, f"{CODE}/2026/03/25", NOON)
    assert outbox.content(entry) == content


def test_of_own_bytes_under_one_name_those_received_last_count(outbox: Outbox) -> None:
    first = raw(station_file())
    second = raw(b"corrected", received_at="2026-03-25T05:02:00Z")
    files = handler(outbox, own_bytes=[CODE])
    for order in ([first, second], [second, first]):
        take(files, *order)
        assert contents(outbox) == {NAME: b"corrected"}


def test_a_station_may_change_between_its_own_bytes_and_written_files(outbox: Outbox) -> None:
    put(outbox, flagged_set(flagged_reading()))
    take(handler(outbox, own_bytes=[CODE]), raw(b"own"))
    assert contents(outbox) == {NAME: b"own"}
    put(outbox, flagged_set(flagged_reading(12.5), received_at=NOON + timedelta(minutes=2)))
    assert contents(outbox) == {NAME: line("PM2.5", "12.5")}


def test_own_bytes_without_a_time_in_the_name_lie_in_the_folder_of_their_receipt(outbox: Outbox) -> None:
    files = handler(outbox, own_bytes=[CODE])
    take(files, raw(b"x", "tram 1.lsi"), raw(b"y", station="OTHER"), raw(b"z", "t.csv", transport=IMPORT))
    (entry,) = outbox.entries(Filter())
    assert (entry.name, entry.folder) == ("tram 1.lsi", f"{CODE}/2026/03/25")


values = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def readings(draw: st.DrawFn) -> list[FlaggedReading]:
    names = {"PM2.5": "µg/m³", "NO2": "µg/m³", "TEMP": "°C"}
    chosen = draw(st.lists(st.sampled_from(sorted(names)), min_size=1, unique=True))
    return [
        flagged_reading(
            draw(values),
            parameter=name,
            unit=names[name],
            line=line,
            status=draw(st.sampled_from(["00", "01", "02"])),
            flag=draw(st.sampled_from([Flag.GOOD, Flag.SUSPECT])),
        )
        for line, name in enumerate(chosen, start=1)
    ]


@given(rows=readings())
@settings(deadline=None, max_examples=30)
def test_what_the_outbox_holds_reads_back_as_the_same_readings(
    rows: list[FlaggedReading],
) -> None:
    outbox = Outbox(Path(":memory:"))
    put(outbox, flagged_set(*rows))
    ((name, content),) = contents(outbox).items()
    outbox.close()
    parsed = parse_file(content, name, station(), NOON)
    assert parsed.rejects == []
    read = {(r.parameter, r.value, r.unit, r.measured_at, r.status) for r in parsed.readings}
    assert read == {(r.parameter, r.value, r.unit, r.measured_at, r.status) for r in rows}
