"""Pages: cursors, and the span of time in a query."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import AwareDatetime

from quantrac.testing.builders import NOON
from services.api.common.pages import Keyset, SpanFilter
from services.api.common.problems import BadParameter

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
