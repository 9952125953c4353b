import doctest
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain import ids, times
from quantrac.domain.ids import MOST_REVISIONS, reading_version, received_of, revision_of
from quantrac.domain.times import (
    VIETNAM,
    VIETNAM_OFFSET,
    from_milliseconds,
    from_seconds,
    local_day_start,
    local_day_starts,
    parse_time,
    to_milliseconds,
    to_receipt_seconds,
    to_seconds,
    to_whole_seconds,
)

# Times of receipt, in whole milliseconds, over all that a column can hold.
RECEIVED = st.integers(0, 10_413_792_000_000 - 1).map(from_milliseconds)


@pytest.mark.parametrize("module", [times, ids])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


def test_no_millisecond_is_lost_once_seconds_take_32_bits() -> None:
    after_2038 = range(2_147_483_648_000, 2_147_483_650_000)
    assert [to_milliseconds(from_milliseconds(at)) for at in after_2038] == list(after_2038)


@given(RECEIVED)
def test_a_time_of_receipt_comes_back_from_milliseconds_and_from_seconds(at: datetime) -> None:
    assert from_milliseconds(to_milliseconds(at)) == at
    if at.year < 2106:  # where float seconds hold a microsecond
        assert from_seconds(to_seconds(at)) == at
        assert from_seconds(to_receipt_seconds(at)) == at


@given(RECEIVED, st.integers(0, MOST_REVISIONS))
def test_a_version_says_when_its_file_was_received_and_which_revision_it_is(
    at: datetime, revision: int
) -> None:
    version = reading_version(at, revision)
    assert (received_of(version), revision_of(version)) == (to_milliseconds(at), revision)
    versions = np.array([version, version + 1024])
    assert received_of(versions).tolist() == [to_milliseconds(at), to_milliseconds(at) + 1]
    assert revision_of(versions).tolist() == [revision, revision]


# The bounds that hypothesis takes are naive.
MEASURED = st.datetimes(datetime(1990, 1, 1), datetime(2105, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(MEASURED)
def test_a_day_of_vietnam_begins_alike_for_a_datetime_and_for_seconds(at: datetime) -> None:
    start = local_day_start(at)
    assert to_whole_seconds(start) == local_day_starts(to_whole_seconds(at))
    assert start <= at < start + timedelta(days=1)
    assert start.astimezone(timezone(timedelta(hours=7))).hour == 0
    assert at.astimezone(VIETNAM).utcoffset() == timedelta(seconds=VIETNAM_OFFSET)


@pytest.mark.parametrize("text", ["yesterday", "2026-03-25T07:00"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_time(text)
