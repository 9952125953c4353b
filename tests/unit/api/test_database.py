"""Bounds of a statement."""

from datetime import UTC, datetime

from services.api.common.database import format_milliseconds, format_seconds


def test_bounds_are_rounded_up_and_kept_within_what_a_column_can_hold() -> None:
    almost = datetime(2026, 3, 25, 4, 59, 59, 999_001, tzinfo=UTC)
    assert (format_seconds(almost), format_milliseconds(almost)) == (
        "2026-03-25 05:00:00",
        "2026-03-25 05:00:00.000",
    )
    assert format_seconds(datetime(1, 1, 1, tzinfo=UTC)) == "1970-01-01 00:00:00"
    assert format_seconds(datetime(9999, 1, 1, tzinfo=UTC)) == "2106-02-07 00:00:00"
