"""Filters by a name: another spelling is the known name, and an unknown one never looks like "no data"."""

from typing import Any

import pytest

from quantrac.domain.registry.stations import StationParameter
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import station
from services.api.common.names import resolve_parameter
from support.api import api_client

SPAN = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"


def problem(api: TestClient, path: str) -> dict[str, Any]:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("route", ["readings?station=A&", "averages?station=A&", "exceedances?"])
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("PM2.5", "PM2.5"),
        ("PM25", "PM2.5"),
        ("PM2,5", "PM2.5"),
        ("pm-2-5", "PM2.5"),
        ("no2", "NO2"),
        ("NO%E2%82%82", "NO2"),
        ("%C3%90%E1%BB%99%20%E1%BA%A9m", "Humidity"),
        ("X9", "X9"),
        ("x9", "X9"),
    ],
)
def test_a_parameter_is_found_in_any_spelling_of_the_catalogue_or_the_station(
    route: str, written: str, code: str
) -> None:
    api, tables = api_client()
    assert api.get(f"/v1/{route}parameter={written}&{SPAN}").status_code == 200
    assert tables.asked[0]["parameter"] == code


def test_a_station_that_registers_a_code_otherwise_is_asked_by_its_own() -> None:
    stations = [station(code, parameters=[StationParameter("TEMP", "°C")]) for code in ("A", "B")]
    assert resolve_parameter("Nhiệt độ", stations) == "TEMP"
    assert resolve_parameter("Nhiệt độ", []) == "Temp"
    assert resolve_parameter(None, stations) is None


@pytest.mark.parametrize(
    "path", [f"readings?station=A&{SPAN}&", f"averages?station=A&{SPAN}&", f"exceedances?{SPAN}&",
             "lineage?station=A&measured_at=2026-03-25T05:00:00Z&"],
)  # fmt: skip
def test_an_unknown_parameter_is_refused_with_the_nearest_and_nothing_is_read(path: str) -> None:
    api, tables = api_client()
    document = problem(api, f"/v1/{path}parameter=Turbidty")
    sentence = "'Turbidty' is not in the catalogue; the nearest name is 'Turbidity'"
    assert document["errors"] == [{"parameter": "parameter", "detail": sentence}]
    assert tables.asked == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [("48", ["B"]), ("1", ["A", "C"]), ("Da%20Nang", ["B"]), ("H%C3%A0%20N%E1%BB%99i", ["A", "C"])],
)
def test_a_province_is_found_by_its_code_or_its_name(written: str, expected: list[str]) -> None:
    items = api_client()[0].get(f"/v1/stations?province={written}").json()["items"]
    assert [item["code"] for item in items] == expected


@pytest.mark.parametrize("route", ["stations", "latest", "exceedances", "alerts"])
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("02", "'02' is no province of today: Hà Giang is in '08' since 1 July 2025"),
        ("Ha%20Noy", "'Ha Noy' is no province of today; the nearest is 'Hà Nội'"),
    ],
)
def test_a_province_that_is_none_is_refused(route: str, written: str, sentence: str) -> None:
    document = problem(api_client()[0], f"/v1/{route}?province={written}")
    assert document["errors"] == [{"parameter": "province", "detail": sentence}]


def test_an_unknown_reason_of_a_reject_is_refused() -> None:
    api, tables = api_client()
    document = problem(api, "/v1/rejects?reason=unknown-units")
    assert (
        document["detail"]
        == "reason: 'unknown-units' is no reason of a reject; the nearest is 'unknown-unit'"
    )
    assert api.get("/v1/rejects?reason=truncated-file").status_code == 200
    assert tables.asked[0]["reason"] == "truncated-file"


@pytest.mark.parametrize(
    "path",
    ["stations?type=water", "alerts?kind=fire", "alerts?severity=bad", "alerts?state=new",
     "indices?station=A&kind=AQI", "averages?station=A&period=week", "readings?station=A&flag=7"],
)  # fmt: skip
def test_what_is_one_of_a_few_words_is_refused_with_all_of_them(path: str) -> None:
    assert "Input should be" in problem(api_client()[0], f"/v1/{path}")["detail"]


def test_a_station_is_found_by_a_code_that_looks_the_same() -> None:
    api, tables = api_client()
    assert api.get(f"/v1/readings?station=a&{SPAN}").status_code == 200
    assert api.get("/v1/stations/%EF%BB%BFA").json()["code"] == "A"
    assert api.get("/v1/stations/AA").status_code == 404
    assert tables.asked[0]["station"] == "A"
