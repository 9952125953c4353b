"""Which stations are neighbours."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.qa.baseline.neighbour_hours import distance_km, neighbours_of
from quantrac.domain.registry.registry import Registry
from quantrac.testing.builders import station

PLACES = st.tuples(
    st.floats(-0.4, 0.4) | st.sampled_from([0.0, 0.17, 0.18]),
    st.floats(-1.0, 1.0) | st.sampled_from([0.0, 0.2, 359.9]),
)


@pytest.mark.parametrize("centre", [(21.0, 105.8), (0.0, 0.0), (-89.9, 12.0), (60.0, 179.9)])
@given(places=st.lists(PLACES, max_size=12))
def test_neighbours_are_all_stations_within_the_radius(
    centre: tuple[float, float], places: list[tuple[float, float]]
) -> None:
    registry = Registry()
    for number, (north, east) in enumerate([(0.0, 0.0), *places]):
        latitude, longitude = centre[0] + north, (centre[1] + east + 180) % 360 - 180
        code = f"S{number:02}"
        place = {"latitude": max(latitude, -90.0), "longitude": longitude}
        registry.put_station(code, replace(station(code), **place))
    first = registry.stations["S00"]
    assert neighbours_of(registry, "S00") == [
        other.code
        for other in registry.stations.values()
        if other is not first
        and distance_km(first.latitude, first.longitude, other.latitude, other.longitude) <= 20
    ]


def test_neighbours_follow_the_registry() -> None:
    registry = Registry({code: station(code) for code in ("S1", "S2")})
    assert neighbours_of(registry, "S1") == ["S2"]
    registry.put_station("S3", station("S3"))
    registry.put_station("S2", None)
    assert neighbours_of(registry, "S1") == ["S3"]
