"""The demo registry."""

from collections import Counter

import pytest

from quantrac.domain.catalogue import find_parameter
from quantrac.local.demo import account_name, demo_accounts, demo_stations
from schemas.registry import to_registry


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
