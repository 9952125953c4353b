"""The demo registry."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.indices import vn_wqi
from quantrac.local.demo import account_name, demo_accounts, demo_stations
from quantrac.local.demo.decisions import demo_activation, demo_decisions
from schemas.registry import to_registry
from schemas.rules import from_content, load
from schemas.rules.differences import differences


def test_it_has_stations_of_all_five_types() -> None:
    assert Counter(station.type.value for station in demo_stations()) == {
        "ambient-air": 7,
        "stack": 4,
        "surface-water": 4,
        "groundwater": 2,
        "wastewater": 4,
    }


def test_its_parameters_are_in_the_catalogue_with_the_usual_unit_of_their_medium() -> None:
    for station in demo_stations():
        for entry in station.parameters:
            known = find_parameter(entry.code)
            assert known is not None, entry.code
            assert (station.code, entry.code, entry.unit) == (
                station.code,
                known.code,
                known.units[station.type],
            )


def test_all_stations_say_demo_in_their_code_and_lie_in_or_near_hanoi() -> None:
    for station in demo_stations():
        assert "DEMO" in station.code
        assert 20.5 < station.latitude < 21.5
        assert 105.2 < station.longitude < 106.1


def test_each_station_gets_an_account_that_sends_for_it_alone() -> None:
    stations = demo_stations()
    passwords = {account_name(station.code): f"password of {station.code}" for station in stations}
    accounts = demo_accounts(stations, passwords, lambda password: f"$argon2id$of {password}")
    registry = to_registry([*stations, *accounts])
    assert len(registry.accounts) == len(registry.stations) == 21
    account = registry.accounts["hn-demo-khi001"]
    assert account.stations == ("HN_DEMO_KHI001",)
    assert account.password_hash == "$argon2id$of password of HN_DEMO_KHI001"


def test_an_account_without_a_password_is_named() -> None:
    with pytest.raises(ValueError, match="no password for account 'hn-demo-khi001'"):
        demo_accounts(demo_stations(), {}, str)


def test_stations_with_an_index_measure_what_it_is_made_of_and_the_background_has_none() -> None:
    publishing = {station.code: station for station in demo_stations() if station.publish_index}
    assert "HN_DEMO_KHINEN" not in publishing
    for station in publishing.values():
        codes = {entry.code for entry in station.parameters}
        if station.type.value == "ambient-air":
            assert codes & {"PM2.5", "PM10"}, station.code
        else:
            scaled = {vn_wqi.SAME_AS.get(code, code) for code in codes} & set(vn_wqi.SCALES)
            assert len({vn_wqi.SCALES[code].group for code in scaled}) >= vn_wqi.LEAST_GROUPS, station.code


def test_the_first_start_has_a_review_of_yesterday_and_a_rule_changed() -> None:
    now = datetime(2026, 3, 25, 3, tzinfo=UTC)
    (review,) = demo_decisions(now)
    assert (review.start, review.end) == (
        datetime(2026, 3, 24, 3, tzinfo=UTC),
        datetime(2026, 3, 24, 4, tzinfo=UTC),
    )
    assert review.station in {station.code for station in demo_stations()}
    changes = differences(load(), from_content(demo_activation(now).content))
    assert [str(change) for change in changes] == ["HN_DEMO_KHI002/SO2 flat_line.suspect_after: 360 -> 180"]


def test_both_decisions_are_records_that_the_registry_takes() -> None:
    now = datetime(2026, 3, 25, 3, tzinfo=UTC)
    registry = to_registry([*demo_stations(), *demo_decisions(now), demo_activation(now)])
    assert len(registry.decisions) == len(registry.rules) == 1
