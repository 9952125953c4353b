"""Indices, exceedances and alerts over the real engine: the version that stands or stood, each row once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION
from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationType
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, station
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context

HANOI, HUE, DANANG = "HN_BKHN_KHIKXQ", "TTH_HUE_NUOCMAT", "DN_HC_NMCLT"
NOW = NOON + timedelta(hours=3)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOON - timedelta(hours=12)
"""Of Vietnam's 25 March, 17:00 UTC on the 24th."""
LONG_AGO = MIDNIGHT - timedelta(days=200)
TOKEN, KEY = new_key("analyst")
DANANG_TOKEN, DANANG_KEY = new_key("department of Da Nang", provinces=["48"])

DAY_LIMIT: dict[str, Any] = {"standard": "QCVN 05:2023/BTNMT", "maximum": 45.0}
PERMIT = {"standard": "GPMT 12/2025", "column": "A", "maximum": 30.0}


def insert(database: ClickHouse, table: str, **row: Any) -> None:
    database.insert(table, {name: [value] for name, value in row.items()})


def fill_indices(database: ClickHouse) -> None:
    def index(starts_at: datetime, value: int | None, **more: Any) -> None:
        row: dict[str, Any] = {
            "station": HANOI,
            "kind": "VN_AQI",
            "period": "hour",
            "starts_at": starts_at,
            "version": 1,
        }
        row |= {"ends_at": starts_at + HOUR, "value": value, "level": "", "responsible": ["PM2.5"]}
        row |= {"subindices": {"PM2.5": 87.0, "NO2": 12.5}, "computed_at": NOW - HOUR}
        insert(database, "indices", **row | more)

    index(NOON, 87)
    index(NOON, 87)  # repeated, and still one version
    index(NOON, 124, version=2, computed_at=NOW)
    index(NOON + HOUR, None, responsible=[], subindices={})
    index(MIDNIGHT, 95, period="day", ends_at=MIDNIGHT + DAY)
    water: dict[str, Any] = {
        "kind": "VN_WQI",
        "station": HUE,
        "responsible": ["DO", "COD"],
        "subindices": {"DO": 20.0, "COD": 20.0},
        "formula": 4,
    }
    index(MIDNIGHT, 20, period="day", ends_at=MIDNIGHT + DAY, **water)
    index(NOON, 9, **water)


def fill_exceedances(database: ClickHouse) -> None:
    def exceedance(starts_at: datetime, days: int, **more: Any) -> None:
        row: dict[str, Any] = {
            "station": HANOI,
            "parameter": "PM2.5",
            "period": "day",
            "column": "",
            "unit": "µg/m³",
        }
        row |= {"starts_at": starts_at, "ends_at": starts_at + days * DAY, "periods": days, "peak": 60.0}
        row |= {"peak_at": starts_at, "ratio": 1.5, "open": 1, "computed_at": NOW, "version": 1}
        insert(database, "exceedances", **row | DAY_LIMIT | more)

    # Grew by a day, then ended.
    start = MIDNIGHT - 3 * DAY
    exceedance(start, 1, computed_at=NOW - 2 * DAY)
    exceedance(start, 2, computed_at=NOW - DAY, version=2, peak=72.0, peak_at=start + DAY, ratio=1.6)
    exceedance(start, 2, computed_at=NOW, version=3, peak=72.0, peak_at=start + DAY, ratio=1.6, open=0)
    # The permit is stricter; its episode began at the same time and is longer.
    exceedance(start, 3, computed_at=NOW, **PERMIT)
    # A correction took it back.
    exceedance(MIDNIGHT - 9 * DAY, 1, computed_at=NOW - 2 * DAY)
    exceedance(MIDNIGHT - 9 * DAY, 0, computed_at=NOW, version=2, open=0)
    water: dict[str, Any] = {
        "station": DANANG,
        "parameter": "COD",
        "unit": "mg/L",
        "column": "B",
        "computed_at": NOW - DAY,
    }
    exceedance(LONG_AGO, 1, **water)
    exceedance(MIDNIGHT - 2 * DAY, 1, **water, open=0)
    exceedance(MIDNIGHT - 2 * DAY, 1, **water | {"parameter": "DO", "minimum": 4.0, "maximum": None})


def fill_alerts(database: ClickHouse) -> None:
    def alert(name: str, opened_at: datetime, state: str = "opened", version: int = 1, **more: Any) -> None:
        row: dict[str, Any] = {
            "alert_id": name,
            "kind": "station-silent",
            "severity": "warning",
            "state": state,
        }
        row |= {"version": version, "station": HANOI, "parameter": "", "opened_at": opened_at}
        row |= {
            "changed_at": opened_at,
            "detail": f"{name} {state}",
            "facts": {"last": "2026-03-25T05:00:00Z"},
        }
        insert(database, "alerts", **row | more)

    alert("silent", NOON)
    alert("silent", NOON, "updated", 2, severity="critical", changed_at=NOW)
    alert("over", NOON, "closed", 2, station=DANANG)
    alert("over", NOON, station=DANANG)
    alert("stuck", NOON + HOUR, kind="analyser-stuck", parameter="NO2")
    alert("old", LONG_AGO, kind="limit-exceeded", parameter="COD", station=DANANG, severity="critical")
    alert("old and over", LONG_AGO, "closed", 3, station=DANANG)


@pytest.fixture(scope="module")
def context(clickhouse: ClickHouseSettings) -> Context:
    database = ClickHouse(clickhouse)
    fill_indices(database)
    fill_exceedances(database)
    fill_alerts(database)
    stations = {
        HANOI: station(HANOI),
        HUE: station(HUE, type=StationType.SURFACE_WATER, province="46"),
        DANANG: station(DANANG, type=StationType.WASTEWATER, province="48", timezone="UTC"),
    }
    keys = {key.id: key.to_domain() for key in (KEY, DANANG_KEY)}
    registry = Registry(stations=stations, api_keys=keys)
    return Context(database, registry, RuleBook(load(), registry), LimitBook(()), lambda: True, lambda: NOW)


@pytest.fixture(scope="module")
def api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"X-Api-Key": TOKEN}) as client:
        yield client


@pytest.fixture(scope="module")
def danang_api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"X-Api-Key": DANANG_TOKEN}) as client:
        yield client


def items(client: TestClient, path: str) -> list[dict[str, Any]]:
    """All pages as one list."""
    found, link = [], path
    while link:
        answer = client.get(link)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        link = answer.json()["next"]
    return found


MARCH = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z"


def test_an_index_comes_in_its_present_version_with_the_words_and_the_colour_of_its_level(
    api: TestClient,
) -> None:
    noon, one = items(api, f"/v1/indices?station={HANOI}&{MARCH}&limit=1")
    assert noon == {
        "station": HANOI,
        "kind": "VN_AQI",
        "period": "hour",
        "starts_at": "2026-03-25T05:00:00Z",
        "ends_at": "2026-03-25T06:00:00Z",
        "starts_at_local": "2026-03-25T12:00:00+07:00",
        "ends_at_local": "2026-03-25T13:00:00+07:00",
        "value": 124,
        "level": {
            "name": "poor",
            "name_vi": "Kém",
            "colour": "orange",
            "colour_vi": "da cam",
            "rgb": "#ff7e00",
            "unverified": "English words: a translation",
        },
        "responsible": ["PM2.5"],
        "subindices": {"PM2.5": 87.0, "NO2": 12.5},
        "parameters": ["NO2", "PM2.5"],
        "formula": None,
        "caveat": "",
        "version": 2,
        "computed_at": "2026-03-25T08:00:00Z",
    }
    assert (one["starts_at"], one["value"], one["level"]) == ("2026-03-25T06:00:00Z", None, None)
    assert (one["responsible"], one["subindices"]) == ([], {})


def test_an_index_is_answered_as_it_stood(api: TestClient) -> None:
    def stood(as_of: str) -> list[tuple[int, int, str]]:
        span = "from=2026-03-01T00:00:00Z&to=2026-03-25T06:00:00Z"
        path = f"/v1/indices?station={HANOI}&{span}&as_of={as_of}"
        return [(each["version"], each["value"], each["level"]["name"]) for each in items(api, path)]

    assert stood("2026-03-25T06:59:59Z") == []
    assert stood("2026-03-25T07:00:00Z") == [(1, 87, "moderate")]
    assert stood("2026-03-25T14:59:59.999%2B07:00") == [(1, 87, "moderate")]
    assert stood("2026-03-25T08:00:00Z") == [(2, 124, "poor")]


def test_indices_are_told_apart_by_kind_and_period(api: TestClient) -> None:
    def found(more: str) -> list[tuple[str, str, int]]:
        return [
            (i["kind"], i["starts_at_local"][:16], i["value"])
            for i in items(api, f"/v1/indices?{MARCH}&{more}")
        ]

    assert found(f"station={HANOI}&period=day") == [("VN_AQI", "2026-03-25T00:00", 95)]
    assert found(f"station={HANOI}&period=day&kind=VN_WQI") == []
    assert found(f"station={HUE}&period=day&kind=VN_WQI") == [("VN_WQI", "2026-03-25T00:00", 20)]
    (water,) = items(api, f"/v1/indices?station={HUE}&{MARCH}")
    assert water["level"]["name_vi"] == "Ô nhiễm rất nặng"
    assert water["responsible"] == ["DO", "COD"]
    assert (water["parameters"], water["formula"]) == (["COD", "DO"], 4)
    assert water["caveat"] == OUTSIDE_THE_DECISION


def test_an_exceedance_comes_in_its_present_version(api: TestClient) -> None:
    (found,) = items(api, f"/v1/exceedances?station={HANOI}&{MARCH}&open=false")
    assert found == {
        "station": HANOI,
        "parameter": "PM2.5",
        "period": "day",
        "standard": "QCVN 05:2023/BTNMT",
        "column": "",
        "minimum": None,
        "maximum": 45.0,
        "unit": "µg/m³",
        "starts_at": "2026-03-21T17:00:00Z",
        "ends_at": "2026-03-23T17:00:00Z",
        "starts_at_local": "2026-03-22T00:00:00+07:00",
        "ends_at_local": "2026-03-24T00:00:00+07:00",
        "periods": 2,
        "peak": 72.0,
        "peak_at": "2026-03-22T17:00:00Z",
        "ratio": 1.6,
        "open": False,
        "version": 3,
        "computed_at": "2026-03-25T08:00:00Z",
    }


def episodes(client: TestClient, more: str) -> list[tuple[str, str, str, int, bool]]:
    found = items(client, f"/v1/exceedances?{more}")
    return [(e["starts_at"][:10], e["parameter"], e["standard"][:4], e["periods"], e["open"]) for e in found]


def test_what_stood_at_a_time_includes_what_has_been_withdrawn_since(api: TestClient) -> None:
    hanoi = f"station={HANOI}&{MARCH}"
    assert episodes(api, hanoi) == [
        ("2026-03-21", "PM2.5", "GPMT", 3, True),
        ("2026-03-21", "PM2.5", "QCVN", 2, False),
    ]
    assert episodes(api, f"{hanoi}&as_of=2026-03-24T08:00:00Z") == [
        ("2026-03-15", "PM2.5", "QCVN", 1, False),  # followed by another that is open
        ("2026-03-21", "PM2.5", "QCVN", 2, True),
    ]
    assert episodes(api, f"{hanoi}&as_of=2026-03-23T08:00:00Z") == [
        ("2026-03-15", "PM2.5", "QCVN", 1, False),
        ("2026-03-21", "PM2.5", "QCVN", 1, True),
    ]
    assert episodes(api, f"{hanoi}&as_of=2026-03-23T07:59:59Z") == []


def test_whether_an_episode_is_open_is_judged_by_the_version_that_counts(api: TestClient) -> None:
    hanoi = f"station={HANOI}&{MARCH}"
    assert episodes(api, f"{hanoi}&open=true") == [("2026-03-21", "PM2.5", "GPMT", 3, True)]
    assert episodes(api, f"{hanoi}&open=true&as_of=2026-03-24T08:00:00Z") == [
        ("2026-03-21", "PM2.5", "QCVN", 2, True)
    ]
    assert episodes(api, f"{hanoi}&open=false&as_of=2026-03-24T08:00:00Z") == [
        ("2026-03-15", "PM2.5", "QCVN", 1, False)
    ]


def test_exceedances_of_all_stations_come_in_pages_each_once(api: TestClient) -> None:
    for limit in (1, 2, 3, 10):
        assert episodes(api, f"{MARCH}&limit={limit}") == [
            ("2026-03-21", "PM2.5", "GPMT", 3, True),
            ("2026-03-21", "PM2.5", "QCVN", 2, False),
            ("2026-03-22", "COD", "QCVN", 1, False),
            ("2026-03-22", "DO", "QCVN", 1, True),
        ]
    assert [e[1] for e in episodes(api, f"{MARCH}&parameter=DO")] == ["DO"]
    assert [e[1] for e in episodes(api, f"{MARCH}&province=48")] == ["COD", "DO"]
    assert episodes(api, f"{MARCH}&province=46") == []
    assert episodes(api, f"{MARCH}&province=48&station={HANOI}") == []


def test_open_exceedances_are_given_however_old_others_of_the_last_31_days(api: TestClient) -> None:
    assert [e[0] for e in episodes(api, "open=true&limit=1")] == ["2025-09-05", "2026-03-21", "2026-03-22"]
    assert [e[0] for e in episodes(api, "")] == ["2026-03-21", "2026-03-21", "2026-03-22", "2026-03-22"]
    assert episodes(api, "open=true&from=2026-03-22T00:00:00Z") == [("2026-03-22", "DO", "QCVN", 1, True)]


def test_a_version_that_comes_between_two_pages_moves_no_other(api: TestClient, context: Context) -> None:
    row: dict[str, Any] = {
        "station": HUE,
        "parameter": "NH4",
        "period": "day",
        "unit": "mg/L",
        **DAY_LIMIT,
        "peak": 60.0,
    }
    row |= {"ratio": 1.5, "open": 1, "computed_at": NOW}
    database = context.database
    assert isinstance(database, ClickHouse)

    def write(day: int, version: int) -> None:
        at = LONG_AGO - (10 - day) * DAY
        times = {"starts_at": at, "ends_at": at + DAY, "peak_at": at}
        insert(database, "exceedances", **row, **times, periods=2 - version, version=version)

    for day in (0, 1, 2):
        write(day, 1)
    first = api.get(f"/v1/exceedances?station={HUE}&from=2025-01-01T00:00:00Z&limit=1").json()
    write(0, 2)
    write(1, 2)
    second = api.get(first["next"]).json()
    assert [e["starts_at"][:10] for e in first["items"] + second["items"]] == ["2025-08-26", "2025-08-28"]
    assert second["next"] is None


def test_an_alert_comes_in_its_present_state(api: TestClient) -> None:
    (found,) = items(api, f"/v1/alerts?station={HANOI}&kind=station-silent")
    assert found == {
        "alert_id": "silent",
        "kind": "station-silent",
        "severity": "critical",
        "state": "updated",
        "version": 2,
        "station": HANOI,
        "parameter": None,
        "opened_at": "2026-03-25T05:00:00Z",
        "opened_at_local": "2026-03-25T12:00:00+07:00",
        "changed_at": "2026-03-25T08:00:00Z",
        "detail": "silent updated",
        "facts": {"last": "2026-03-25T05:00:00Z"},
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["old", "silent", "stuck"]),
        ("limit=1", ["old", "silent", "stuck"]),
        ("state=closed", ["over"]),
        ("state=closed&from=2025-01-01T00:00:00Z", ["old and over", "over"]),
        ("state=all", ["over", "silent", "stuck"]),
        ("state=all&from=2025-01-01T00:00:00Z&limit=2", ["old", "old and over", "over", "silent", "stuck"]),
        ("state=open&from=2026-03-01T00:00:00Z", ["silent", "stuck"]),
        ("to=2026-03-25T05:00:00Z", ["old"]),
        ("kind=analyser-stuck", ["stuck"]),
        # It was a warning first; what stands counts.
        ("severity=warning", ["stuck"]),
        ("severity=critical", ["old", "silent"]),
        ("province=48", ["old"]),
        (f"province=48&station={HANOI}", []),
    ],
)
def test_alerts_are_filtered_by_what_they_are_now(api: TestClient, query: str, found: list[str]) -> None:
    assert [each["alert_id"] for each in items(api, f"/v1/alerts?{query}")] == found


def test_rows_of_a_station_that_the_registry_lost_are_for_unlimited_keys(
    api: TestClient, danang_api: TestClient, context: Context
) -> None:
    database = context.database
    assert isinstance(database, ClickHouse)
    at = LONG_AGO - 50 * DAY
    row: dict[str, Any] = {
        "alert_id": "lost",
        "kind": "backlog-arriving",
        "severity": "info",
        "state": "opened",
        "version": 1,
    }
    insert(
        database,
        "alerts",
        **row,
        station="GONE",
        parameter="",
        opened_at=at,
        changed_at=at,
        detail="",
        facts={},
    )
    path = "/v1/alerts?kind=backlog-arriving"
    assert [each["opened_at_local"] for each in items(api, path)] == ["2025-07-18T00:00:00+07:00"]
    assert items(danang_api, path) == []


def test_a_key_of_one_province_sees_no_other(danang_api: TestClient) -> None:
    assert {each["station"] for each in items(danang_api, f"/v1/exceedances?{MARCH}")} == {DANANG}
    assert [each["alert_id"] for each in items(danang_api, "/v1/alerts")] == ["old"]
    assert items(danang_api, "/v1/alerts?province=01") == []
    assert items(danang_api, f"/v1/exceedances?{MARCH}&province=01") == []
    assert items(danang_api, f"/v1/exceedances?{MARCH}&station={DANANG}&parameter=DO")[0]["minimum"] == 4.0
    hidden = [f"/v1/{name}?station={HANOI}" for name in ("indices", "exceedances", "alerts")]
    assert {path: danang_api.get(path).status_code for path in hidden} == dict.fromkeys(hidden, 404)
