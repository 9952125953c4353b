"""In which hour a reading counts, by what its stamp means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.bounds import MEASURED
from quantrac.domain.registry.stations import Interval, StampMeaning, Station
from quantrac.domain.stamps import Stamps, hours_of_stamps, middle_offset, middles
from quantrac.domain.times import HOUR, hour_start, local_day_start
from quantrac.testing.builders import station

MIDNIGHT = datetime(2026, 3, 24, 17, tzinfo=UTC)
"""In Vietnam, of 25 March."""


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """That time of 25 March in Vietnam."""
    return MIDNIGHT + timedelta(hours=hour, minutes=minute, seconds=second)


def stamped(stamps: Stamps, minutes: float = 60) -> Station:
    return station(interval_seconds=round(60 * minutes), stamps=(StampMeaning(stamps),))


def hour_of(entry: Station, stamp: datetime) -> datetime:
    return hour_start(entry.middle_of(stamp))


@pytest.mark.parametrize(
    ("stamps", "hour"), [(Stamps.INSTANT, at(14)), (Stamps.START, at(14)), (Stamps.END, at(13))]
)
def test_an_hourly_mean_counts_in_the_hour_that_was_averaged(stamps: Stamps, hour: datetime) -> None:
    assert hour_of(stamped(stamps), at(14)) == hour


def test_midnight_as_an_end_belongs_to_the_day_before() -> None:
    assert local_day_start(stamped(Stamps.END).middle_of(at(0))) == at(-24)
    assert local_day_start(stamped(Stamps.START).middle_of(at(0))) == at(0)
    assert local_day_start(station().middle_of(at(0))) == at(0)


def test_five_minute_means_stamped_at_the_end_fill_the_hour_from_its_fifth_minute_on() -> None:
    entry = stamped(Stamps.END, 5)
    stamps = [at(0, minute) for minute in range(5, 65, 5)]
    assert {hour_of(entry, stamp) for stamp in stamps} == {at(0)}
    assert (hour_of(entry, at(0)), hour_of(entry, at(1, 5))) == (at(-1), at(1))


@pytest.mark.parametrize(("stamps", "hour"), [(Stamps.END, at(0)), (Stamps.START, at(1))])
@pytest.mark.parametrize("second", [-31, -2, 0, 3, 31])
def test_a_clock_some_seconds_off_moves_no_mean_across_the_hour(
    stamps: Stamps, hour: datetime, second: int
) -> None:
    assert hour_of(stamped(stamps, 5), at(1, 0, second)) == hour


def test_the_length_of_what_was_averaged_may_be_another_than_the_interval() -> None:
    entry = station(interval_seconds=3600, stamps=(StampMeaning(Stamps.END, 300),))
    assert (hour_of(entry, at(1, 5)), hour_of(entry, at(1))) == (at(1), at(0))
    assert entry.mean_span(at(1)) == (at(0, 55), at(1))


def test_what_a_stamp_means_changes_at_its_date_and_with_the_interval() -> None:
    entry = station(
        interval_seconds=300,
        intervals=(Interval(3600, valid_to=at(6)),),
        stamps=(
            StampMeaning(Stamps.END, valid_from=at(2), valid_to=at(12)),
            StampMeaning(Stamps.START, valid_from=at(12)),
        ),
    )
    assert [offset.seconds for offset in entry.middle_offsets()] == [-1800, -150, 150]
    assert [hour_of(entry, at(hour)) for hour in (1, 2, 3, 6, 12)] == [at(1), at(1), at(2), at(5), at(12)]
    assert [entry.stamps_at(at(hour)) for hour in (1, 2, 12)] == [Stamps.INSTANT, Stamps.END, Stamps.START]


def test_averages_of_stamps_at_the_bounds_of_time_keep_within_them() -> None:
    entry = stamped(Stamps.END, 1440)
    assert entry.middle_of(MEASURED.first) == MEASURED.first
    assert stamped(Stamps.START, 1440).middle_of(MEASURED.last) == MEASURED.last
    assert entry.middle_of(at(0)) == at(-12)


SECONDS = st.integers(int(at(0).timestamp()), int(at(48).timestamp()))
MEANINGS = st.lists(
    st.tuples(st.integers(0, 48), st.sampled_from(list(Stamps)), st.none() | st.integers(1, 86_400)),
    max_size=4,
    unique_by=lambda entry: entry[0],
)


def dated(meanings: list[tuple[int, Stamps, int | None]]) -> tuple[StampMeaning, ...]:
    starts = sorted(meanings)
    ends = [*(at(hour) for hour, _, _ in starts[1:]), None][: len(starts)]
    return tuple(
        StampMeaning(stamps, seconds, valid_from=at(hour), valid_to=end)
        for (hour, stamps, seconds), end in zip(starts, ends, strict=True)
    )


@given(st.lists(SECONDS, max_size=50), MEANINGS, st.integers(1, 86_400))
def test_each_reading_counts_in_exactly_one_hour_and_that_one_is_redone(
    stamps: list[int], meanings: list[tuple[int, Stamps, int | None]], interval: int
) -> None:
    entry = station(interval_seconds=interval, stamps=dated(meanings))
    offsets = entry.middle_offsets()
    hours = range(int(at(-24).timestamp()), int(at(72).timestamp()), HOUR)
    counted = 0
    for hour in hours:
        counted += sum(hour <= middles(stamp, offsets) < hour + HOUR for stamp in stamps)
    assert counted == len(stamps)
    for stamp in stamps:
        stamped_hour = stamp // HOUR * HOUR
        redone = hours_of_stamps(stamped_hour, stamped_hour + HOUR, offsets)
        middle = entry.middle_of(datetime.fromtimestamp(stamp, UTC)).timestamp()
        assert middles(stamp, offsets) == middle
        assert middle // HOUR * HOUR in redone


@given(SECONDS, st.integers(1, 86_400))
def test_the_same_mean_counts_in_the_same_hour_whichever_end_its_stamp_names(start: int, length: int) -> None:
    middle = start + middle_offset(Stamps.START, length)
    assert middle == start + length + middle_offset(Stamps.END, length)
    assert start <= middle < start + length
