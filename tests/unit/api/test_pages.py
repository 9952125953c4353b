"""Pages: cursors, links and the times in a query."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import AwareDatetime

from quantrac.testing.builders import NOON
from services.api.common.database import format_milliseconds, format_seconds
from services.api.common.pages import Keyset, SpanFilter
from services.api.common.problems import BadParameter
from services.api.common.times import parse_time

ORDER = Keyset(measured_at=AwareDatetime, parameter=str)


def test_a_cursor_reads_back_as_the_key_of_its_row() -> None:
    row = {"measured_at": NOON, "parameter": "Nhiệt độ ☂", "value": 1.0}
    cursor = ORDER.encode_cursor(row)
    assert cursor.isascii()
    assert "=" not in cursor
    assert ORDER.decode_cursor(cursor, NOON - timedelta(hours=1), "") == (NOON, "Nhiệt độ ☂")


def test_without_a_cursor_the_page_begins_at_the_start() -> None:
    assert ORDER.decode_cursor(None, NOON, "") == (NOON, "")


def test_a_cursor_cannot_reach_before_the_start() -> None:
    cursor = ORDER.encode_cursor({"measured_at": NOON, "parameter": "PM10"})
    later = NOON + timedelta(hours=1)
    assert ORDER.decode_cursor(cursor, later, "") == (later, "")


@pytest.mark.parametrize(
    "cursor",
    ["", "a", "%", "W10", "bnVsbA", "WyIyMDI2IiwgMV0", "WyIyMDI2LTAzLTI1VDAwOjAwOjAwIiwgIlBNMTAiXQ", "ÿ"],
    ids=["empty", "short", "no base64", "[]", "null", "not a time", "a time without zone", "not ASCII"],
)
def test_a_cursor_that_was_not_given_is_named_as_bad(cursor: str) -> None:
    with pytest.raises(BadParameter, match="cursor: is not one that this operation gave"):
        ORDER.decode_cursor(cursor, NOON, "")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-25T00:05:00+07:00", "2026-03-24T17:05:00+00:00"),
        ("2026-03-25T00:05:00 07:00", "2026-03-24T17:05:00+00:00"),
        ("2026-03-25T00:05:00 0700", "2026-03-24T17:05:00+00:00"),
        ("2026-03-24T17:05:00Z", "2026-03-24T17:05:00+00:00"),
        ("2026-03-24T17:05Z", "2026-03-24T17:05:00+00:00"),
        ("20260324T170500.5Z", "2026-03-24T17:05:00.500000+00:00"),
    ],
)
def test_a_time_with_its_zone_is_read(text: str, utc: str) -> None:
    assert parse_time(text).isoformat() == utc


@pytest.mark.parametrize("text", ["2026-03-25T00:05:00", "2026-03-25", "2026-03-25 00:05"])
def test_a_time_without_zone_is_refused_and_told_so(text: str) -> None:
    with pytest.raises(ValueError, match="has no time zone: end it with Z or an offset such as"):
        parse_time(text)


@pytest.mark.parametrize(
    "text", ["", "noon", "1774396800", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+07:00"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time in ISO 8601, such as 2026-03-25T00:05:00"):
        parse_time(text)


def span(**query: Any) -> tuple[datetime, datetime]:
    return SpanFilter.model_validate(query).span(NOON)


def test_a_span_left_open_is_the_last_24_hours() -> None:
    assert span() == (NOON - timedelta(days=1), NOON)
    assert span(**{"from": "2026-03-25T04:00:00Z"}) == (NOON - timedelta(hours=1), NOON)
    earlier = NOON - timedelta(days=30)
    assert span(to=earlier.isoformat()) == (earlier - timedelta(days=1), earlier)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-03-25T05:00:00Z"},
        {"from": "2026-03-26T00:00:00Z", "to": "2026-03-25T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
    ],
)
def test_a_span_that_holds_nothing_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadParameter):
        span(**query)


def test_bounds_are_rounded_up_and_kept_within_what_a_column_can_hold() -> None:
    almost = datetime(2026, 3, 25, 4, 59, 59, 999_001, tzinfo=UTC)
    assert (format_seconds(almost), format_milliseconds(almost)) == (
        "2026-03-25 05:00:00",
        "2026-03-25 05:00:00.000",
    )
    assert format_seconds(datetime(1, 1, 1, tzinfo=UTC)) == "1970-01-01 00:00:00"
    assert format_seconds(datetime(9999, 1, 1, tzinfo=UTC)) == "2106-02-07 00:00:00"
