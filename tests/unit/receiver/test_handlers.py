import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.ids import reading_version
from quantrac.io.records import Record
from quantrac.testing.builders import NOON, account, file_name, registry, station, station_file
from schemas.codec import decode_reading_set
from services.receiver.intake.handler import TRUNCATED, IntakeHandler, RisingClock, Upload
from services.receiver.parse.handler import ParseHandler

CONTENT = station_file([("PM2.5", "12.40", "µg/m³", "00"), ("NO2", "12,4x", "µg/m³", "00")])
FILE_ID = hashlib.sha256(CONTENT).hexdigest()


def intake_record(name: str, *, stations: tuple[str, ...] = ("HN_BKHN_KHIKXQ",)) -> Record:
    sender = account(stations=stations)
    known = registry(stations=[station(), station("HN_GP", valid_to=NOON)], accounts=[sender])
    upload = Upload(sender, "/2026/03/25", name, CONTENT, "ftp")
    return IntakeHandler(known, "hn.raw-file").record(upload, FILE_ID, NOON)


def test_a_file_becomes_its_exact_bytes_under_its_station() -> None:
    record = intake_record("HN_BKHN_KHIKXQ_20260325120000.txt")
    assert (record.topic, record.key, record.value) == ("hn.raw-file", b"HN_BKHN_KHIKXQ", CONTENT)
    assert record.headers == {
        "file_id": FILE_ID.encode(),
        "name": b"HN_BKHN_KHIKXQ_20260325120000.txt",
        "path": b"/2026/03/25",
        "account": b"bkhn",
        "transport": b"ftp",
        "received_at": b"2026-03-25T05:00:00Z",
        "traceparent": f"00-{FILE_ID[:32]}-{FILE_ID[32:48]}-01".encode(),
        "station": b"HN_BKHN_KHIKXQ",
    }


def test_a_file_of_no_known_station_is_kept_under_its_account() -> None:
    record = intake_record("LSOS_KHIKHO_20260325120000.txt")
    assert (record.key, record.value) == (b"bkhn", CONTENT)
    assert "station" not in record.headers


def test_a_station_is_only_assigned_while_it_is_valid() -> None:
    assert intake_record("HN_GP_20260325120000.txt", stations=("HN_GP",)).key == b"bkhn"


def test_a_name_too_long_to_keep_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        intake_record("a" * 256)


def test_times_of_receipt_rise_by_at_least_a_millisecond_even_when_the_clock_stands_or_goes_back() -> None:
    times = iter([NOON, NOON, NOON - timedelta(seconds=5), NOON + timedelta(microseconds=2_900)])
    clock = RisingClock(lambda: next(times))
    given = [clock() for _ in range(4)]
    assert given == [NOON + timedelta(milliseconds=n) for n in (0, 1, 2, 3)]
    assert len({reading_version(at) for at in given}) == 4


def parsed(record: Record) -> Record:
    done = ParseHandler(registry(), "hn.parsed-reading").handle([record])
    assert not done.dead
    return done.records[0]


def test_a_raw_file_becomes_one_reading_set_with_its_reject() -> None:
    record = parsed(intake_record(file_name()))
    assert (record.topic, record.key) == ("hn.parsed-reading", b"HN_BKHN_KHIKXQ")
    assert sorted(record.headers) == ["file_id", "traceparent"]
    reading_set = decode_reading_set(record.value or b"")
    assert (reading_set.station, reading_set.file_id, reading_set.account) == (
        "HN_BKHN_KHIKXQ",
        FILE_ID,
        "bkhn",
    )
    assert (reading_set.transport, reading_set.received_at) == ("ftp", NOON)
    reading = reading_set.readings[0]
    assert (reading.line, reading.parameter, reading.value, reading.text) == (1, "PM2.5", 12.4, "12.40")
    assert (reading.unit, reading.measured_at, reading.status) == ("µg/m³", NOON, "00")
    assert [(reject.line, reject.reason) for reject in reading_set.rejects] == [(2, "value-not-a-number")]


def test_an_unassigned_file_becomes_a_set_with_one_reject_for_the_whole_file() -> None:
    record = parsed(intake_record("LSOS_KHIKHO_20260325120000.txt"))
    reading_set = decode_reading_set(record.value or b"")
    assert (record.key, reading_set.station, reading_set.readings) == (b"bkhn", "", [])
    reject = reading_set.rejects[0]
    assert (reject.line, reject.reason) == (0, "unknown-station")
    assert (
        reject.detail
        == 'The file name "LSOS_KHIKHO_20260325120000.txt" belongs to no station of account bkhn.'
    )


def test_a_station_that_has_left_the_registry_gives_a_reject_not_a_crash() -> None:
    record = intake_record(file_name())
    done = ParseHandler(registry(stations=[]), "parsed-reading").handle([record])
    reading_set = decode_reading_set(done.records[0].value or b"")
    assert (done.records[0].key, reading_set.station) == (b"HN_BKHN_KHIKXQ", "HN_BKHN_KHIKXQ")
    assert [(r.line, r.reason) for r in reading_set.rejects] == [(0, "unknown-station")]


def truncated(content: bytes) -> Record:
    upload = Upload(account(), "/", file_name(), content, "ftp", (TRUNCATED,))
    return IntakeHandler(registry(), "raw-file").record(upload, FILE_ID, NOON)


def test_a_truncated_file_says_so_in_its_headers_and_keeps_its_whole_lines() -> None:
    record = truncated(CONTENT[:-10])
    assert (record.headers["marks"], record.value) == (b"truncated", CONTENT[:-10])
    reading_set = decode_reading_set(parsed(record).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]
    reject = reading_set.rejects[0]
    assert (reject.line, reject.reason, reject.text) == (0, "truncated-file", "NO2\t12,4x\tµg/m³\t202603251")
    assert reject.detail == "The transfer was cut after 66 bytes; the line it broke in is not read."


def test_a_line_cut_before_its_status_is_not_taken_for_a_good_one() -> None:
    content = station_file([("PM2.5", "12.40", "µg/m³", "00"), ("NO2", "14.91", "µg/m³", "02")])
    reading_set = decode_reading_set(parsed(truncated(content.removesuffix(b"\t02\r\n"))).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]
    assert [reject.reason for reject in reading_set.rejects] == ["truncated-file"]


def test_a_truncated_file_in_utf_16_keeps_its_whole_lines() -> None:
    content = CONTENT.decode().encode("utf-16")
    reading_set = decode_reading_set(parsed(truncated(content[:-10])).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]


def test_the_same_file_parsed_twice_gives_the_same_bytes() -> None:
    assert parsed(intake_record(file_name())) == parsed(intake_record(file_name()))


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"received_at": b"yesterday"},
        {"received_at": b"2026-03-25T05:00:00"},
        {"file_id": b"short"},
        {"name": b"\xff.txt"},
    ],
)
def test_a_message_without_proper_headers_is_a_dead_letter(broken: dict[str, bytes]) -> None:
    good = intake_record(file_name())
    bad = Record("raw-file", b"k", CONTENT, dict(good.headers) | broken if broken else {})
    done = ParseHandler(registry(), "parsed-reading").handle([bad, good])
    assert [letter.record for letter in done.dead] == [bad]
    assert done.dead[0].reason.startswith("not the headers of a raw file")
    assert len(done.records) == 1


def test_a_megabyte_of_garbage_becomes_one_small_set() -> None:
    record = intake_record(file_name())
    garbage = hashlib.shake_128(b"noise").digest(1 << 20)
    value = parsed(Record("raw-file", record.key, garbage, record.headers)).value or b""
    assert decode_reading_set(value).readings == []
    assert len(value) < 1 << 20


def test_a_clock_in_utc_gives_whole_milliseconds() -> None:
    at = RisingClock(lambda: datetime(2026, 3, 25, 5, 0, 0, 123_999, tzinfo=UTC))()
    assert at == datetime(2026, 3, 25, 5, 0, 0, 123_000, tzinfo=UTC)
