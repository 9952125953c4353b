"""Times in a query."""

import pytest

from services.api.common.times import parse_time


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-25T00:05:00+07:00", "2026-03-24T17:05:00+00:00"),
        ("2026-03-25T00:05:00 07:00", "2026-03-24T17:05:00+00:00"),
        ("2026-03-25T00:05:00 0700", "2026-03-24T17:05:00+00:00"),
        ("2026-03-24T17:05:00Z", "2026-03-24T17:05:00+00:00"),
        ("2026-03-24T17:05Z", "2026-03-24T17:05:00+00:00"),
        ("20260324T170500.5Z", "2026-03-24T17:05:00.500000+00:00"),
        ("2026-03-24T24:00:00+07:00", "2026-03-24T17:00:00+00:00"),
        ("2026-03-24T24:00 07:00", "2026-03-24T17:00:00+00:00"),
        ("20260324T2400Z", "2026-03-25T00:00:00+00:00"),
    ],
)
def test_a_time_with_its_zone_is_read(text: str, utc: str) -> None:
    assert parse_time(text).isoformat() == utc


@pytest.mark.parametrize("text", ["2026-03-25T00:05:00", "2026-03-25", "2026-03-25 00:05"])
def test_a_time_without_zone_is_refused_and_told_so(text: str) -> None:
    with pytest.raises(ValueError, match="has no time zone: end it with Z or an offset such as"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "noon", "1774396800", "2026032500050", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+07:00"),
        *("2026-03-24T24:05:00+07:00", "2026-03-24T24:00:01Z", "2026-03-24T25:00Z", "9999-12-31T24:00:00Z"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time in ISO 8601, such as 2026-03-25T00:05:00"):
        parse_time(text)
