"""The way of a reading back to its line."""

from datetime import timedelta

import pytest

from quantrac.domain.registry.stations import StampMeaning
from quantrac.domain.stamps import Stamps
from quantrac.testing.builders import NOON, station
from services.api.lineage.answer import Averaged
from services.api.lineage.file_line import find_line


@pytest.mark.parametrize(
    ("content", "number", "text"),
    [
        (b"a\r\nb\rc\nd", 4, "d"),
        (b"\xef\xbb\xbfa\n", 1, "a"),
        (b"a\n", 2, ""),
        (b"a\n", 3, None),
        (b"a\n", 0, None),
        (b"\x02a\x03\n\x1a", 1, "a"),
        (b"\x00\x01\x02", 1, ""),
    ],
)
def test_lines_are_counted_as_the_parser_counts_them(content: bytes, number: int, text: str | None) -> None:
    assert find_line(content, number) == text


def test_the_trace_says_what_a_stamp_means_and_in_which_hour_the_reading_counts() -> None:
    hour = timedelta(hours=1)
    hourly = station(interval_seconds=3600, stamps=(StampMeaning(Stamps.END),))
    assert Averaged.of_stamp(hourly, NOON) == Averaged(
        stamps=Stamps.END, starts_at=NOON - hour, ends_at=NOON, hour_starts_at=NOON - hour
    )
    assert Averaged.of_stamp(station(), NOON) == Averaged(
        stamps=Stamps.INSTANT, starts_at=NOON, ends_at=NOON, hour_starts_at=NOON
    )
