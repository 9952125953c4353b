from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.ids import reading_version
from quantrac.testing.builders import NOON
from services.receiver.intake.handler import RisingClock
from support.raw_files import CONTENT, FILE_ID, raw_file


def test_a_file_becomes_its_exact_bytes_under_its_station() -> None:
    record = raw_file("HN_BKHN_KHIKXQ_20260325120000.txt")
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
    record = raw_file("LSOS_KHIKHO_20260325120000.txt")
    assert (record.key, record.value) == (b"bkhn", CONTENT)
    assert "station" not in record.headers


def test_a_station_is_only_assigned_while_it_is_valid() -> None:
    assert raw_file("HN_GP_20260325120000.txt", stations=("HN_GP",)).key == b"bkhn"


def test_a_name_too_long_to_keep_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        raw_file("a" * 256)


def test_times_of_receipt_rise_by_at_least_a_millisecond_even_when_the_clock_stands_or_goes_back() -> None:
    times = iter([NOON, NOON, NOON - timedelta(seconds=5), NOON + timedelta(microseconds=2_900)])
    clock = RisingClock(lambda: next(times))
    received = [clock() for _ in range(4)]
    assert received == [NOON + timedelta(milliseconds=n) for n in (0, 1, 2, 3)]
    assert len({reading_version(time) for time in received}) == 4


def test_a_clock_in_utc_gives_whole_milliseconds() -> None:
    received_at = RisingClock(lambda: datetime(2026, 3, 25, 5, 0, 0, 123_999, tzinfo=UTC))()
    assert received_at == datetime(2026, 3, 25, 5, 0, 0, 123_000, tzinfo=UTC)
