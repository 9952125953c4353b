import hashlib

import pytest

from quantrac.io.records import Record
from quantrac.testing.builders import NOON, file_name, registry, station_file
from schemas.codecs.sets import decode_reading_set
from services.receiver.parse.handler import ParseHandler
from support.raw_files import CONTENT, FILE_ID, raw_file, truncated_file


def parse(record: Record) -> Record:
    done = ParseHandler(registry(), "hn.parsed-reading").handle([record])
    assert not done.dead
    return done.records[0]


def test_a_raw_file_becomes_one_reading_set_with_its_reject() -> None:
    record = parse(raw_file(file_name()))
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
    record = parse(raw_file("LSOS_KHIKHO_20260325120000.txt"))
    reading_set = decode_reading_set(record.value or b"")
    assert (record.key, reading_set.station, len(reading_set.readings)) == (b"bkhn", "", 0)
    reject = reading_set.rejects[0]
    assert (reject.line, reject.reason) == (0, "unknown-station")
    assert (
        reject.detail
        == 'The file name "LSOS_KHIKHO_20260325120000.txt" belongs to no station of account bkhn.'
    )


def test_a_station_that_has_left_the_registry_gives_a_reject_not_a_crash() -> None:
    record = raw_file(file_name())
    done = ParseHandler(registry(stations=[]), "parsed-reading").handle([record])
    reading_set = decode_reading_set(done.records[0].value or b"")
    assert (done.records[0].key, reading_set.station) == (b"HN_BKHN_KHIKXQ", "HN_BKHN_KHIKXQ")
    assert [(r.line, r.reason) for r in reading_set.rejects] == [(0, "unknown-station")]


def test_a_truncated_file_says_so_in_its_headers_and_keeps_its_whole_lines() -> None:
    record = truncated_file(CONTENT[:-10])
    assert (record.headers["marks"], record.value) == (b"truncated", CONTENT[:-10])
    reading_set = decode_reading_set(parse(record).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]
    reject = reading_set.rejects[0]
    assert (reject.line, reject.reason, reject.text) == (0, "truncated-file", "NO2\t12,4x\tµg/m³\t202603251")
    assert reject.detail == "The transfer was cut after 66 bytes; the line it broke in is not read."


def test_a_line_cut_before_its_status_is_not_taken_for_a_good_one() -> None:
    content = station_file([("PM2.5", "12.40", "µg/m³", "00"), ("NO2", "14.91", "µg/m³", "02")])
    reading_set = decode_reading_set(parse(truncated_file(content.removesuffix(b"\t02\r\n"))).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]
    assert [reject.reason for reject in reading_set.rejects] == ["truncated-file"]


def test_a_truncated_file_in_utf_16_keeps_its_whole_lines() -> None:
    content = CONTENT.decode().encode("utf-16")
    reading_set = decode_reading_set(parse(truncated_file(content[:-10])).value or b"")
    assert [reading.parameter for reading in reading_set.readings] == ["PM2.5"]


def test_the_same_file_parsed_twice_gives_the_same_bytes() -> None:
    assert parse(raw_file(file_name())) == parse(raw_file(file_name()))


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
    good = raw_file(file_name())
    bad = Record("raw-file", b"k", CONTENT, dict(good.headers) | broken if broken else {})
    done = ParseHandler(registry(), "parsed-reading").handle([bad, good])
    assert [letter.record for letter in done.dead] == [bad]
    assert done.dead[0].reason.startswith("not the headers of a raw file")
    assert len(done.records) == 1


def test_a_megabyte_of_garbage_becomes_one_small_set() -> None:
    record = raw_file(file_name())
    garbage = hashlib.shake_128(b"noise").digest(1 << 20)
    value = parse(Record("raw-file", record.key, garbage, record.headers)).value or b""
    assert not decode_reading_set(value).readings
    assert len(value) < 1 << 20
