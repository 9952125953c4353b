"""Which stations and times the sink asks for together."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from services.aggregator.sink.tables.stored_readings import group_stations, may_replace


@pytest.mark.parametrize(
    ("at", "may"),
    [
        (NOON, False),
        (NOON + timedelta(hours=23), False),
        (NOON + timedelta(days=2), True),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
    ],
)
def test_what_a_wrong_clock_stamped_may_be_stored_already(at: datetime, may: bool) -> None:
    readings = [flagged_reading(measured_at=NOON), flagged_reading(measured_at=at)]
    assert may_replace(flagged_set(*readings, station="A", received_at=NOON)) is may


def test_stations_of_one_time_share_a_query() -> None:
    times = {f"S{number:04}": {300, 600} for number in range(450)}
    found = list(group_stations(times))
    assert [len(stations) for stations, _ in found] == [200, 200, 50]
    assert [wanted for _, wanted in found] == [{300, 600}] * 3


def test_stations_far_apart_do_not_ask_for_each_others_times() -> None:
    times = {"A": set(range(1000)), "B": set(range(5000, 6000))}
    assert list(group_stations(times)) == [(["A"], times["A"]), (["B"], times["B"])]


@given(st.dictionaries(st.text("ABC", min_size=1), st.sets(st.integers(0, 40), min_size=1)))
def test_every_wanted_pair_is_asked_for_once_and_at_most_half_as_many_in_vain(
    times: dict[str, set[int]],
) -> None:
    found = list(group_stations(times))
    assert sorted(code for stations, _ in found for code in stations) == sorted(times)
    for stations, asked in found:
        assert asked == set().union(*(times[code] for code in stations))
        assert len(stations) * len(asked) <= 1.5 * sum(len(times[code]) for code in stations)
