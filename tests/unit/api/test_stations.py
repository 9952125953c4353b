"""Stations over the API, from the registry."""

from datetime import timedelta

from quantrac.domain.registry.intervals import Interval
from quantrac.testing.builders import NOON, station
from services.api.stations.answer import Station
from support.api import api_client


def codes(path: str) -> list[str]:
    return [item["code"] for item in api_client()[0].get(path).json()["items"]]


def test_stations_are_listed_by_code_closed_ones_too() -> None:
    assert codes("/v1/stations") == ["A", "B", "C"]
    assert codes("/v1/stations?type=wastewater") == ["C"]
    assert codes("/v1/stations?province=48") == ["B"]
    assert codes("/v1/stations?province=48&type=wastewater") == []


def test_stations_come_in_pages() -> None:
    api, _ = api_client()
    first = api.get("/v1/stations?limit=2&province=01").json()
    assert [item["code"] for item in first["items"]] == ["A", "C"]
    assert first["next"] is None
    first = api.get("/v1/stations?limit=2").json()
    second = api.get(first["next"]).json()
    assert ([item["code"] for item in second["items"]], second["next"]) == (["C"], None)


def test_a_station_is_shown_with_what_it_measures() -> None:
    shown = api_client()[0].get("/v1/stations/A").json()
    assert (shown["aliases"], shown["valid_to"], shown["interval_seconds"]) == (
        ["A1"],
        "2026-03-24T05:00:00Z",
        300,
    )
    assert shown["stamps"] == [{"at": "end", "seconds": None, "valid_from": None, "valid_to": None}]
    catalogued, uncatalogued = shown["parameters"]
    assert (catalogued["code"], catalogued["unit"], catalogued["range_low"], catalogued["range_high"]) == (
        "PM2.5",
        "µg/m³",
        0,
        1000,
    )
    assert catalogued["name"] != "PM2.5"
    assert (uncatalogued["code"], uncatalogued["name"], uncatalogued["name_vi"]) == ("X9", "X9", "X9")


def test_a_station_is_shown_with_its_present_interval_and_those_of_other_times() -> None:
    change = NOON - timedelta(days=1)
    record = station(interval_seconds=300, intervals=(Interval(900, valid_from=change),))
    assert Station.from_registry(record, NOON).interval_seconds == 900
    assert Station.from_registry(record, change - timedelta(days=1)).interval_seconds == 300
    assert api_client()[0].get("/v1/stations/A").json()["intervals"] == []
