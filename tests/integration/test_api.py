"""The API over the real engine: what was inserted is what is answered, each row once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from quantrac.domain.ids import file_id, reading_version
from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION
from quantrac.domain.limits import LimitBook
from quantrac.domain.qa.baseline.blocks import BlockStatistics, block_of
from quantrac.domain.readings import Flag
from quantrac.domain.registry.decisions import Decision, Withdrawal
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, Station, StationParameter
from quantrac.domain.stamps import Stamps
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, PARAMETERS, account, station
from schemas.clickhouse.history import baseline_columns
from schemas.keys import new_key
from schemas.messages.registry.stations import Maintenance as MaintenanceRecord
from schemas.messages.registry.stations import Station as StationRecord
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from support.temporary_rows import TemporaryRows

HANOI = "HN_BKHN_KHIKXQ"
DANANG = "DN_HC_NMCLT"
NOW = NOON + timedelta(hours=3)
TOKEN, KEY = new_key("analyst")
DANANG_TOKEN, DANANG_KEY = new_key("department of Da Nang", provinces=["48"])
STATION_TOKEN, STATION_KEY = new_key("vendor of one logger", stations=[DANANG])
ACCOUNT_TOKEN, ACCOUNT_KEY = new_key("vendor", accounts=["nmclt"])

RULES_FILE = """
required: [status]
national:
  tests:
    status: {}
    unit: {}
    own_range: {spans: 2, source: made up}
station_types:
  ambient-air:
    source: letter 7
    parameters:
      PM2.5:
        rate_of_change: {suspect: 30}
        neighbours: {tolerance: 60, at_least: 1}
"""

FIRST_FILE = b"PM2.5\t12.40\tug/m3\t20260325120000\t00\r\nNO2\t12,4x\tug/m3\t20260325120000\t00\r\n"
CORRECTION = b"PM2.5\t13.1\tug/m3\t20260325120000\t00\r\n"
DANANG_FILE = "pH\t7.1\t\t20260325120000\t00\r\n".encode("utf-16")
UNASSIGNED = b"whatever\r\n"
LOST, LOST_BY_OTHERS, LOST_BY_BOTH = b"lost\r\n", b"lost by others\r\n", b"lost by both\r\n"


def readings(
    code: str,
    parameter: str,
    times: Sequence[datetime],
    *,
    received_at: datetime,
    value: float = 12.4,
    **more: Any,
) -> dict[str, list[Any]]:
    one = {
        "station": code,
        "parameter": parameter,
        "value": value,
        "text": "",
        "unit": "µg/m³",
        "status": "00",
        "flag": 1,
        "tests": '{"spike":1,"status":1}',
        "rules": "rules-7",
        "line": 1,
        "version": reading_version(received_at),
    }
    count = len(times)
    return {**{name: [item] * count for name, item in {**one, **more}.items()}, "measured_at": list(times)}


def file_row(code: str, content: bytes, received_at: datetime, **more: Any) -> dict[str, list[Any]]:
    row = {
        "station": code,
        "received_at": received_at,
        "file_id": file_id(content),
        "name": f"{code}_20260325120000.txt",
        "account": "bkhn",
        "transport": "ftp",
        "format": "name-value-unit-time",
        "rules": "rules-7",
        "readings": 1,
        "rejects": 0,
    }
    return {name: [value] for name, value in {**row, **more}.items()}


def raw_row(code: str, content: bytes, received_at: datetime, name: str) -> dict[str, list[Any]]:
    row = {"station": code, "file_id": file_id(content), "received_at": received_at, "name": name, "path": ""}
    row |= {"account": "bkhn", "transport": "ftp", "content": content}
    return {name: [value] for name, value in row.items()}


LOST_AT = NOON - timedelta(days=2)
SENT, RESENT = NOON + timedelta(seconds=20, milliseconds=123), NOON + timedelta(hours=1, milliseconds=7)
SERIES = [NOON - timedelta(minutes=5 * step) for step in range(1, 11)]


def fill(database: ClickHouse) -> None:
    for parameter in ("PM2.5", "NO2", "TEMP"):
        rows = readings(HANOI, parameter, SERIES, received_at=SENT, flag=3 if parameter == "NO2" else 1)
        database.insert("readings", rows)
    noon = readings(HANOI, "PM2.5", [NOON], received_at=SENT, text="12.40")
    database.insert("readings", noon)
    database.insert("readings", noon)
    late = readings(HANOI, "PM2.5", [NOON], received_at=RESENT, value=13.1, flag=4)
    database.insert("readings", late)
    ahead = readings(HANOI, "TEMP", [NOW + timedelta(days=400)], received_at=SENT)
    database.insert("readings", ahead)
    old = readings(DANANG, "pH", [NOON - timedelta(days=60)], received_at=SENT, value=7.1)
    database.insert("readings", old)
    database.insert(
        "readings", readings(DANANG, "pH", [NOON], received_at=SENT, value=7.1, text="7.10", unit="")
    )

    database.insert("files", file_row(HANOI, FIRST_FILE, SENT, rejects=1, rejected_lines=[2]))
    database.insert("files", file_row(HANOI, CORRECTION, RESENT))
    database.insert("files", file_row(HANOI, CORRECTION, RESENT))
    database.insert("files", file_row(DANANG, DANANG_FILE, SENT))
    database.insert(
        "files", file_row("", UNASSIGNED, RESENT, account="nobody", readings=0, rejects=1, rejected_lines=[0])
    )
    # Read again when the registry knew its station: nothing of it is unassigned any longer.
    database.insert("files", file_row("", CORRECTION, RESENT, readings=0, rejects=1, rejected_lines=[0]))
    database.insert("files", file_row("", CORRECTION, RESENT, readings=0, rejects=0))
    database.insert("rejects", reject_row(CORRECTION, RESENT, station="", line=0, reason="unknown-station"))
    database.insert("raw_files", raw_row(HANOI, FIRST_FILE, SENT, f"{HANOI}_20260325120000.txt"))
    # Sent before the account had a station: kept under the account's name.
    database.insert("raw_files", raw_row("bkhn", CORRECTION, RESENT, 'Sửa "lại".txt'))
    database.insert("raw_files", raw_row(DANANG, DANANG_FILE, SENT, "pH.txt"))
    database.insert("rejects", reject_row(FIRST_FILE, SENT))
    # The newest reading of the file no longer rejects this line.
    database.insert("rejects", reject_row(FIRST_FILE, SENT, line=1, reason="unknown-parameter"))
    for version, mean in ((1, 12.4), (2, 13.1)):
        database.insert("averages", average_row(NOON, mean=mean, version=version))
    for period, start in (("hour", NOON), ("day", NOON - timedelta(hours=12))):
        database.insert("indices", index_row("VN_AQI", HANOI, period, start, subindices={"PM2.5": 22.0}))
    database.insert("averages", average_row(NOON, station=DANANG, parameter="pH"))
    river = index_row("VN_WQI", DANANG, "hour", NOON, subindices={"pH": 100.0}, formula=4)
    database.insert("indices", river)
    database.insert("averages", average_row(NOON - timedelta(hours=1), mean=None, count=0, completeness=0.0))
    database.insert("receipts", receipt_row(CORRECTION, RESENT))
    database.insert("deliveries", delivery_row())
    # On a day of their own: files that belong to no station, of two accounts.
    for number, (content, sender) in enumerate(
        [(LOST, "nmclt"), (LOST_BY_OTHERS, "bkhn"), (LOST_BY_BOTH, "nmclt"), (LOST_BY_BOTH, "bkhn")]
    ):
        at = LOST_AT + timedelta(seconds=number)
        row = file_row("", content, at, account=sender, readings=0, rejects=1, rejected_lines=[0])
        database.insert("files", {**row, "name": [f"{sender}.txt"]})
        database.insert("rejects", reject_row(content, at, station="", line=0, reason="unknown-station"))
        database.insert("raw_files", {**raw_row(sender, content, at, f"{sender}.txt"), "account": [sender]})


def reject_row(content: bytes, received_at: datetime, **more: Any) -> dict[str, list[Any]]:
    row: dict[str, Any] = {
        "station": HANOI,
        "received_at": received_at,
        "file_id": file_id(content),
        "line": 2,
    }
    row |= {"text": "NO2\t12,4x", "reason": "value-not-a-number", "detail": "The value column holds …"}
    return {name: [value] for name, value in {**row, **more}.items()}


def receipt_row(content: bytes, received_at: datetime) -> dict[str, list[Any]]:
    row: dict[str, Any] = {"station": HANOI, "file_id": file_id(content), "target": "ministry"}
    row |= {
        "delivery_id": "d" * 64,
        "received_at": received_at,
        "confirmed_at": NOW,
        "readings": 1,
        "revision": 2,
        "account": "hanoi",
    }
    return {name: [value] for name, value in row.items()}


def delivery_row() -> dict[str, list[Any]]:
    row: dict[str, Any] = {"delivery_id": "d" * 64, "target": "ministry", "account": "hanoi"}
    row |= {"confirmed_at": NOW, "sets": 1, "readings": 1, "receipt": "e30.e30.c2ln"}
    return {name: [value] for name, value in row.items()}


def average_row(starts_at: datetime, **more: Any) -> dict[str, list[Any]]:
    row = {"station": HANOI, "parameter": "PM2.5", "period": "hour", "unit": "µg/m³", "starts_at": starts_at}
    row |= {"ends_at": starts_at + timedelta(hours=1), "mean": 12.4, "minimum": 12.4, "maximum": 13.1}
    row |= {
        "count": 1,
        "received": 2,
        "expected": 12,
        "completeness": 1 / 12,
        "computed_at": NOW,
        "version": 1,
    }
    return {name: [value] for name, value in {**row, **more}.items()}


def index_row(kind: str, code: str, period: str, starts_at: datetime, **more: Any) -> dict[str, list[Any]]:
    row = {"station": code, "kind": kind, "period": period, "starts_at": starts_at, "value": 22}
    row |= {"ends_at": starts_at + timedelta(hours=1 if period == "hour" else 24), "level": "good"}
    row |= {"responsible": [], "computed_at": NOW, "version": 1}
    return {name: [value] for name, value in {**row, **more}.items()}


@pytest.fixture(scope="module")
def registry() -> Registry:
    danang = station(DANANG, province="48", timezone="UTC", parameters=PARAMETERS[:1])
    stations: dict[str, Station] = {HANOI: station(), DANANG: danang}
    keys = {key.id: key.to_domain() for key in (KEY, DANANG_KEY, STATION_KEY, ACCOUNT_KEY)}
    accounts = {"nmclt": account("nmclt", stations=[DANANG])}
    return Registry(stations=stations, accounts=accounts, api_keys=keys)


@pytest.fixture(scope="module")
def book(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES_FILE)
    return RuleBook(load(path), registry)


@pytest.fixture(scope="module")
def context(clickhouse: ClickHouseSettings, registry: Registry, book: RuleBook) -> Context:
    database = ClickHouse(clickhouse)
    fill(database)
    return Context(database, registry, book, LimitBook(()), lambda: True, lambda: NOW)


@pytest.fixture
def rows(context: Context) -> Iterator[TemporaryRows]:
    """Insert rows that the next test does not find."""
    assert isinstance(context.database, ClickHouse)
    temporary = TemporaryRows(context.database)
    yield temporary
    temporary.delete()


@pytest.fixture(scope="module")
def api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"X-Api-Key": TOKEN}) as client:
        yield client


@pytest.fixture(scope="module")
def danang_api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"Authorization": f"Bearer {DANANG_TOKEN}"}) as client:
        yield client


@pytest.fixture(scope="module")
def station_api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"X-Api-Key": STATION_TOKEN}) as client:
        yield client


@pytest.fixture(scope="module")
def account_api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), headers={"X-Api-Key": ACCOUNT_TOKEN}) as client:
        yield client


@pytest.fixture(scope="module")
def ministry_api(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(replace(context, tier="ministry")), headers={"X-Api-Key": TOKEN}) as client:
        yield client


def get(client: TestClient, path: str, **more: Any) -> Any:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(client: TestClient, path: str) -> list[list[dict[str, Any]]]:
    found, link = [], path
    while link:
        page = get(client, link)
        found.append(page["items"])
        link = page["next"]
    return found


NOON_HOUR = "from=2026-03-25T12:00:00%2B07:00&to=2026-03-25T13:00:00%2B07:00"


def test_a_reading_carries_everything_known_about_it(api: TestClient) -> None:
    page = get(api, f"/v1/readings?station={DANANG}&{NOON_HOUR}")
    assert page == {
        "items": [
            {
                "station": DANANG,
                "parameter": "pH",
                "value": 7.1,
                "text": "7.10",
                "qualifier": "",
                "unit": "",
                "measured_at": "2026-03-25T05:00:00Z",
                "measured_at_local": "2026-03-25T05:00:00Z",
                "grid_at": "2026-03-25T05:00:00Z",
                "status": "00",
                "flag": 1,
                "flag_name": "good",
                "tests": {"spike": 1, "status": 1},
                "rules": "rules-7",
                "received_at": "2026-03-25T05:00:20.123000Z",
                "line": 1,
            }
        ],
        "next": None,
    }


def test_a_resent_value_replaces_the_older_one_and_repeated_rows_collapse(api: TestClient) -> None:
    (reading,) = get(api, f"/v1/readings?station={HANOI}&{NOON_HOUR}")["items"]
    assert (reading["value"], reading["text"], reading["flag_name"]) == (13.1, "13.1", "fail")
    assert reading["received_at"] == "2026-03-25T06:00:00.007000Z"
    assert reading["measured_at_local"] == "2026-03-25T12:00:00+07:00"


@pytest.mark.parametrize("limit", [1, 4, 7, 30])
def test_pages_give_every_row_once_in_order(api: TestClient, limit: int) -> None:
    path = f"/v1/readings?station={HANOI}&from=2026-03-25T04:00:00Z&to=2026-03-25T05:00:00Z&limit={limit}"
    found = pages(api, path)
    rows = [(item["measured_at"], item["parameter"]) for page in found for item in page]
    expected = [(f"{t:%Y-%m-%dT%H:%M:%SZ}", p) for t in reversed(SERIES) for p in ("NO2", "PM2.5", "TEMP")]
    assert rows == expected
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert len(found) == -(-30 // limit)


def test_a_row_that_comes_between_two_pages_moves_no_other(api: TestClient, rows: TemporaryRows) -> None:
    path = (
        f"/v1/readings?station={HANOI}&parameter=CO&from=2026-03-20T00:00:00Z&to=2026-03-21T00:00:00Z&limit=2"
    )
    times = [datetime(2026, 3, 20, hour, tzinfo=UTC) for hour in range(5)]
    rows.insert("readings", readings(HANOI, "CO", [times[0], times[2], times[4]], received_at=SENT))
    first = get(api, path)
    rows.insert("readings", readings(HANOI, "CO", [times[1], times[3]], received_at=RESENT))
    second = get(api, first["next"])
    hours = [item["measured_at"][11:13] for item in first["items"] + second["items"]]
    assert hours == ["00", "02", "03", "04"]


def test_readings_are_filtered_by_parameter_and_flag(api: TestClient) -> None:
    hour = "from=2026-03-25T04:00:00Z&to=2026-03-25T05:00:01Z"
    suspect = get(api, f"/v1/readings?station={HANOI}&{hour}&flag=3")["items"]
    assert {item["parameter"] for item in suspect} == {"NO2"}
    assert len(suspect) == 10
    # The good value at noon has been replaced: the filter sees what stands, not what once stood.
    assert len(get(api, f"/v1/readings?station={HANOI}&{hour}&flag=1&parameter=PM2.5")["items"]) == 10
    assert len(get(api, f"/v1/readings?station={HANOI}&{hour}&flag=4")["items"]) == 1


def test_the_stretch_of_time_is_half_open(api: TestClient) -> None:
    path = f"/v1/readings?station={HANOI}&parameter=TEMP&from=2026-03-25T04:10:00Z&to=2026-03-25T04:20:00Z"
    assert [i["measured_at"][11:16] for i in get(api, path)["items"]] == ["04:10", "04:15"]
    just_after = path.replace("04:10:00Z", "04:10:00.001Z")
    assert [i["measured_at"][11:16] for i in get(api, just_after)["items"]] == ["04:15"]


def test_without_from_and_to_the_last_24_hours_are_given(api: TestClient) -> None:
    page = get(api, f"/v1/readings?station={HANOI}&parameter=PM2.5&limit=1")
    assert page["items"][0]["measured_at"] == "2026-03-25T04:10:00Z"
    assert "from=2026-03-24T08%3A00%3A00Z&to=2026-03-25T08%3A00%3A00Z" in page["next"]


def test_the_plus_of_an_offset_may_stand_unescaped(api: TestClient) -> None:
    path = f"/v1/readings?station={HANOI}&from=2026-03-25T12:00:00+07:00&to=2026-03-25T13:00:00+07:00"
    assert len(get(api, path)["items"]) == 1


def test_strange_characters_are_data(api: TestClient) -> None:
    strange = quote("x' OR 1=1 --\\\t{a:String}")
    answer = api.get(f"/v1/readings?station={HANOI}&parameter={strange}")
    assert (answer.status_code, "is not in the catalogue" in answer.json()["detail"]) == (422, True)
    assert api.get(f"/v1/readings?station={strange}").status_code == 404


def test_the_latest_readings_leave_out_what_lies_ahead(api: TestClient) -> None:
    page = get(api, f"/v1/stations/{HANOI}/latest")
    latest = {item["parameter"]: (item["measured_at"], item["value"]) for item in page["items"]}
    assert latest == {
        "NO2": ("2026-03-25T04:55:00Z", 12.4),
        "PM2.5": ("2026-03-25T05:00:00Z", 13.1),
        "TEMP": ("2026-03-25T04:55:00Z", 12.4),
    }


def test_the_latest_readings_of_many_stations_come_by_station(api: TestClient) -> None:
    found = pages(api, "/v1/latest?limit=1")
    assert [{item["station"] for item in page} for page in found] == [{DANANG}, {HANOI}]
    assert [item["measured_at"] for item in found[0]] == ["2026-03-25T05:00:00Z"]
    assert get(api, "/v1/latest?province=48&type=ambient-air")["items"] == found[0]
    assert get(api, "/v1/latest?type=stack") == {"items": [], "next": None}


def test_averages_come_in_their_present_version(api: TestClient) -> None:
    path = (
        f"/v1/averages?station={HANOI}&period=hour&from=2026-03-25T04:00:00Z&to=2026-03-25T06:00:00Z&limit=1"
    )
    (empty,), (noon,) = pages(api, path)
    assert (empty["mean"], empty["count"], empty["completeness"]) == (None, 0, 0.0)
    assert noon == {
        "station": HANOI,
        "parameter": "PM2.5",
        "period": "hour",
        "starts_at": "2026-03-25T05:00:00Z",
        "ends_at": "2026-03-25T06:00:00Z",
        "starts_at_local": "2026-03-25T12:00:00+07:00",
        "ends_at_local": "2026-03-25T13:00:00+07:00",
        "unit": "µg/m³",
        "mean": 13.1,
        "minimum": 12.4,
        "maximum": 13.1,
        "count": 1,
        "received": 2,
        "expected": 12,
        "completeness": 1 / 12,
        "version": 2,
        "computed_at": "2026-03-25T08:00:00Z",
        **dict.fromkeys(("total", "sd", "p05", "p25", "p50", "p75", "p95", "p98")),
        **dict.fromkeys(("not_evaluated", "suspect", "fail", "missing"), 0),
        "good": 1,
        "qualified": 0,
        "complete": False,
    }


def test_averages_are_answered_as_they_stood(api: TestClient, rows: TemporaryRows) -> None:
    path = f"/v1/averages?station={HANOI}&period=day&from=2026-03-24T00:00:00Z&to=2026-03-25T00:00:00Z"
    day = {"period": "day", "ends_at": NOON + timedelta(hours=12)}
    midnight = datetime(2026, 3, 24, 17, tzinfo=UTC)
    for version, mean in ((1, 12.4), (2, 13.1)):
        row = average_row(
            midnight, **day, mean=mean, version=version, computed_at=NOW + timedelta(days=version)
        )
        rows.insert("average_versions", row)
        rows.insert("averages", row)

    def mean(more: str) -> list[float]:
        return [item["mean"] for item in get(api, path + more)["items"]]

    assert mean("") == [13.1]
    assert mean("&as_of=2026-03-27T00:00:00Z") == [12.4]
    assert mean("&as_of=2026-03-27T15:00:00%2B07:00") == [13.1]
    assert mean("&as_of=2026-03-26T07:59:59Z") == []


AT_NOON = "measured_at=2026-03-25T12:00:00%2B07:00"


def test_a_reading_is_traced_to_its_line_its_average_and_its_receipt(api: TestClient) -> None:
    trace = get(api, f"/v1/lineage?station={HANOI}&parameter=PM2.5&{AT_NOON}")
    assert (trace["reading"]["value"], trace["reading"]["line"]) == (13.1, 1)
    assert trace["file"]["id"] == file_id(CORRECTION)
    assert trace["file"]["received_at"] == trace["reading"]["received_at"] == "2026-03-25T06:00:00.007000Z"
    assert trace["raw"] == "here"
    assert trace["raw_bytes"] == len(CORRECTION)
    assert trace["line_text"] == "PM2.5\t13.1\tug/m3\t20260325120000\t00"
    assert (trace["average"]["mean"], trace["average"]["version"]) == (13.1, 2)
    assert [(index["kind"], index["period"], index["starts_at"]) for index in trace["indices"]] == [
        ("VN_AQI", "hour", "2026-03-25T05:00:00Z"),
        ("VN_AQI", "day", "2026-03-24T17:00:00Z"),
    ]
    (receipt,) = trace["receipts"]
    assert (receipt["target"], receipt["delivery_id"]) == ("ministry", "d" * 64)
    assert (receipt["revision"], receipt["account"], receipt["waiting"]) == (2, "hanoi", False)
    assert receipt["signed"] == "e30.e30.c2ln"
    assert api.get(trace["file"]["content"]).content == CORRECTION


def test_a_correction_of_the_unit_shows_in_the_trace(api: TestClient, context: Context) -> None:
    known = context.registry.stations[HANOI]
    rule = StationParameter("PM2.5", "µg/m³", unit_override=(("µg/m3", "ng/m3"),), valid_to=NOW)
    path = f"/v1/lineage?station={HANOI}&parameter=PM2.5&{AT_NOON}"
    assert get(api, path)["unit_correction"] is None
    context.registry.stations[HANOI] = replace(known, parameters=(rule,))
    try:
        trace = get(api, path)
    finally:
        context.registry.stations[HANOI] = known
    assert trace["unit_correction"] == {
        "written": "ug/m3",
        "really": "ng/m3",
        "valid_from": None,
        "valid_to": "2026-03-25T08:00:00Z",
    }


def test_the_average_of_a_reading_is_that_of_the_hour_its_stamp_stands_for(
    api: TestClient, context: Context
) -> None:
    known = context.registry.stations[HANOI]
    path = f"/v1/lineage?station={HANOI}&parameter=PM2.5&{AT_NOON}"
    assert get(api, path)["averaged"]["stamps"] == "instant"
    context.registry.stations[HANOI] = replace(known, stamps=(StampMeaning(Stamps.END),))
    try:
        trace = get(api, path)
    finally:
        context.registry.stations[HANOI] = known
    assert trace["averaged"] == {
        "stamps": "end",
        "starts_at": "2026-03-25T04:55:00Z",
        "ends_at": "2026-03-25T05:00:00Z",
        "hour_starts_at": "2026-03-25T04:00:00Z",
    }
    assert trace["average"]["starts_at"] == "2026-03-25T04:00:00Z"


def test_a_line_is_found_in_a_file_of_another_encoding(api: TestClient) -> None:
    trace = get(api, f"/v1/lineage?station={DANANG}&parameter=pH&{AT_NOON}")
    assert (trace["line_text"], trace["raw_bytes"]) == ("pH\t7.1\t\t20260325120000\t00", len(DANANG_FILE))
    assert trace["receipts"] == []


def test_the_index_of_a_waters_hour_shows_its_formula_and_that_it_is_outside_the_decision(
    api: TestClient,
) -> None:
    (index,) = get(api, f"/v1/lineage?station={DANANG}&parameter=pH&{AT_NOON}")["indices"]
    assert (index["kind"], index["formula"], index["parameters"]) == ("VN_WQI", 4, ["pH"])
    assert index["caveat"] == OUTSIDE_THE_DECISION


def test_a_parameter_that_no_index_looks_at_has_no_index_in_its_trace(api: TestClient) -> None:
    trace = get(api, f"/v1/lineage?station={HANOI}&parameter=TEMP&measured_at=2026-03-25T11:55:00%2B07:00")
    assert (trace["average"], trace["indices"]) == (None, [])


ONE, TWO = "HN_MOT_KHIKXQ", "HN_HAI_KHIKXQ"
JUMPED = f"/v1/lineage?station={ONE}&parameter=PM2.5&{AT_NOON}"


@pytest.fixture
def judged(context: Context, book: RuleBook, rows: TemporaryRows) -> Context:
    """A day of 20 µg/m³ that ends in 61, judged, and a station beside it with 25 until the hour after."""
    keys = {KEY.id: KEY.to_domain()}
    registry = Registry(stations={code: station(code) for code in (ONE, TWO)}, api_keys=keys)
    before = [NOON - timedelta(minutes=5 * step) for step in range(1, 288)]
    rows.insert("readings", readings(ONE, "PM2.5", before, received_at=SENT, value=20.0))
    # The rate was good when it was judged, though by what is stored it is not.
    tests = '{"neighbours":2,"own_range":2,"rate_of_change":1,"status":1,"stopped":1,"unit":1}'
    more = {"tests": tests, "rules": book.rules(SENT, NOON).version}
    rows.insert("readings", readings(ONE, "PM2.5", [NOON], received_at=SENT, value=61.0, **more))
    hour = [NOON + timedelta(minutes=5 * step) for step in range(13)]
    rows.insert("readings", readings(TWO, "PM2.5", hour, received_at=NOW, value=25.0))
    return replace(context, registry=registry)


@pytest.fixture
def judged_api(judged: Context) -> Iterator[TestClient]:
    with TestClient(create_app(judged), headers={"X-Api-Key": TOKEN}) as client:
        yield client


def said(client: TestClient, test: str, **more: Any) -> str:
    (says,) = [each["says"] for each in get(client, JUMPED, **more)["tests"] if each["name"] == test]
    return str(says)


def test_what_each_test_said_is_told_with_its_rules_and_their_source(judged_api: TestClient) -> None:
    trace = get(judged_api, JUMPED)
    assert {each["rules"] for each in trace["tests"]} == {trace["reading"]["rules"]}
    told = [(each["name"], each["outcome"], each["outcome_name"], each["source"]) for each in trace["tests"]]
    assert told == [
        ("status", 1, "good", "national: no source named"),
        ("unit", 1, "good", f"national: no source named; registry: {ONE}/PM2.5"),
        ("rate_of_change", 1, "good", "ambient-air/PM2.5: letter 7"),
        ("own_range", 2, "not evaluated", "national: made up"),
        ("neighbours", 2, "not evaluated", "ambient-air/PM2.5: letter 7"),
        ("stopped", 1, "good", ""),
    ]


def test_a_sentence_has_the_numbers_and_the_outcome_of_today_where_it_is_another(
    judged_api: TestClient,
) -> None:
    assert said(judged_api, "status") == "status 00: measuring"
    assert said(judged_api, "rate_of_change") == (
        "61 is 41 from 20 of 5 min before, limit 30; judged by what is stored now, the outcome is suspect"
    )
    assert said(judged_api, "stopped") == "not asked by the rules that hold for this reading now"


def finish_hour(rows: TemporaryRows) -> None:
    """Let the station have a reading after the hour that its neighbour has finished."""
    rows.insert("readings", readings(ONE, "NO2", [NOON + timedelta(hours=1)], received_at=RESENT))


def test_an_hour_of_the_neighbours_counts_once_both_have_finished_it(
    judged_api: TestClient, rows: TemporaryRows
) -> None:
    # A clock that is ahead finishes no hour.
    rows.insert("readings", readings(ONE, "TEMP", [NOON + timedelta(days=3)], received_at=SENT))
    assert said(judged_api, "neighbours") == "0 neighbours in this hour, needs 1"
    finish_hour(rows)
    assert said(judged_api, "neighbours") == (
        "61 is 36 from 25, the median of 1 neighbour, limit 60; "
        "judged by what is stored now, the outcome is good"
    )


def test_what_a_neighbour_measured_is_told_only_to_a_key_that_may_read_it(
    judged: Context, rows: TemporaryRows
) -> None:
    finish_hour(rows)
    token, key = new_key("department of Ha Noi", provinces=["01"])
    beside = replace(judged.registry.stations[TWO], province="24")
    registry = Registry(
        stations=judged.registry.stations | {TWO: beside},
        api_keys={KEY.id: KEY.to_domain(), key.id: key.to_domain()},
    )
    with TestClient(create_app(replace(judged, registry=registry))) as client:
        told = {
            asked: said(client, "neighbours", headers={"X-Api-Key": asked}).partition(";")[0]
            for asked in (TOKEN, token)
        }
        whole = client.get(JUMPED, headers={"X-Api-Key": token}).text
    assert told == {
        TOKEN: "61 is 36 from 25, the median of 1 neighbour, limit 60",
        token: "good beside 1 neighbour",
    }
    assert "so no value is told; judged by what is stored now, the outcome is good" in whole


def test_bounds_of_a_baseline_stand_in_the_sentence(
    judged_api: TestClient, judged: Context, rows: TemporaryRows
) -> None:
    assert said(judged_api, "own_range") == "too little is known of the series"
    with TestClient(create_app(replace(judged, tier="ministry")), headers={"X-Api-Key": TOKEN}) as ministry:
        assert said(ministry, "own_range") == "too little is known of the series"
    block, count = block_of(NOON.timestamp()), 60
    figures = BlockStatistics(
        block=np.arange(block - 1 - count, block - 1),
        median=np.linspace(18.0, 22.0, count),
        step=np.ones(count),
        low=np.full(count, 17.0),
        high=np.full(count, 23.0),
        count=np.full(count, 72),
    )
    rows.insert("baseline_blocks", baseline_columns(ONE, {"PM2.5": figures}, NOW))
    assert said(judged_api, "own_range").endswith("; judged by what is stored now, the outcome is suspect")


def test_the_decision_that_counts_is_shown_until_it_is_withdrawn(
    judged_api: TestClient, judged: Context
) -> None:
    def decide(name: str, minute: int, flag: Flag, **more: Any) -> None:
        span = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
        at = NOW + timedelta(minutes=minute)
        judged.registry.decide(name, Decision(name, ONE, *span, flag, "lan", f"reason {name}", at, **more))

    def shown() -> Any:
        return get(judged_api, JUMPED)["decision"]

    decide("first", 1, Flag.FAIL)
    decide("last", 2, Flag.GOOD)
    decide("of another", 3, Flag.FAIL, parameters=("NO2",))
    assert shown() == {
        "flag": 1,
        "flag_name": "good",
        "by": "lan",
        "why": "reason last",
        "decided_at": "2026-03-25T08:02:00Z",
        "starts_at": "2026-03-25T04:00:00Z",
        "ends_at": "2026-03-25T06:00:00Z",
    }
    decide("last", 2, Flag.GOOD, withdrawn=Withdrawal("minh", "a mistake", NOW))
    assert shown()["why"] == "reason first"
    judged.registry.decide("first", None)
    assert shown() is None


def test_maintenance_of_the_registry_is_a_decision_without_a_time(
    judged_api: TestClient, judged: Context
) -> None:
    record = StationRecord(
        code=ONE,
        name=ONE,
        type="ambient-air",
        province="01",
        latitude=21,
        longitude=105.8,
        maintenance=(MaintenanceRecord(start=NOON, end=NOW, why="filters"),),
    )
    known = judged.registry.stations[ONE]
    judged.registry.stations[ONE] = replace(known, maintenance=record.to_domain().maintenance)
    try:
        decision = get(judged_api, JUMPED)["decision"]
    finally:
        judged.registry.stations[ONE] = known
    assert (decision["by"], decision["why"], decision["decided_at"]) == ("registry", "filters", None)


def test_what_a_person_decided_stands_first_among_the_tests(
    judged_api: TestClient, judged: Context, rows: TemporaryRows
) -> None:
    at = NOON - timedelta(minutes=30)
    more = {"tests": '{"status":1,"decision":4}', "flag": 4, "value": 20.0}
    rows.insert("readings", readings(ONE, "PM2.5", [at], received_at=RESENT, **more))
    path = f"/v1/lineage?station={ONE}&parameter=PM2.5&measured_at={at:%Y-%m-%dT%H:%M:%SZ}"

    def first() -> tuple[str, str, str]:
        each = get(judged_api, path)["tests"][0]
        return each["name"], each["outcome_name"], each["says"]

    assert first() == ("decision", "fail", "a person decided; the registry here holds no such decision now")
    decision = Decision("d", ONE, at, NOON, Flag.FAIL, "lan", "pump", NOW)
    judged.registry.decide("d", decision)
    assert first() == ("decision", "fail", "lan: pump")
    judged.registry.decide("d", None)


def test_how_a_reading_stood_before_is_told_newest_first(judged_api: TestClient, rows: TemporaryRows) -> None:
    for revision, cause, flag in ((0, "late,baseline", 1), (1, "correction", 3)):
        row = readings(ONE, "PM2.5", [NOON], received_at=SENT, value=60.5 + revision, flag=flag)
        row |= {"version": [reading_version(SENT, revision)], "superseded_by": [reading_version(RESENT)]}
        rows.insert("reading_revisions", row | {"cause": [cause], "superseded_at": [NOW]})
    common = {
        "qualifier": "",
        "unit": "µg/m³",
        "rules": "rules-7",
        "received_at": "2026-03-25T05:00:20.123000Z",
        "superseded_at": "2026-03-25T08:00:00Z",
    }
    assert get(judged_api, JUMPED)["revisions"] == [
        {"value": 61.5, "flag": 3, "flag_name": "suspect", "revision": 1, "cause": "correction", **common},
        {"value": 60.5, "flag": 1, "flag_name": "good", "revision": 0, "cause": "late,baseline", **common},
    ]


def test_a_trace_whose_file_is_still_on_its_way_says_so(api: TestClient, rows: TemporaryRows) -> None:
    rows.insert("readings", readings(DANANG, "COD", [NOON], received_at=NOW))
    trace = get(api, f"/v1/lineage?station={DANANG}&parameter=COD&{AT_NOON}")
    assert (trace["file"], trace["raw"], trace["line_text"]) == (None, "not stored yet", None)


def test_the_ministry_says_where_the_bytes_are(ministry_api: TestClient) -> None:
    trace = get(ministry_api, f"/v1/lineage?station={HANOI}&parameter=PM2.5&{AT_NOON}")
    assert (trace["raw"], trace["raw_bytes"], trace["line_text"]) == ("at the province", None, None)
    assert trace["file"]["content"] is None
    answer = ministry_api.get(f"/v1/files/{file_id(CORRECTION)}/content")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "The bytes of this file are at the province; only its readings came here.",
    )


def test_a_reading_that_is_not_there_has_no_lineage(api: TestClient) -> None:
    for moment in ("2026-03-25T12:00:01%2B07:00", "2026-03-25T12:00:00.5%2B07:00", "1899-01-01T00:00:00Z"):
        answer = api.get(f"/v1/lineage?station={HANOI}&parameter=PM2.5&measured_at={moment}")
        assert answer.status_code == 404, moment


def test_files_are_listed_with_their_counts(api: TestClient) -> None:
    found = pages(api, "/v1/files?from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z&limit=1")
    files = [(f["station"], f["id"], f["readings"], f["rejects"]) for page in found for f in page]
    assert files == [
        (DANANG, file_id(DANANG_FILE), 1, 0),
        (HANOI, file_id(FIRST_FILE), 1, 1),
        ("", file_id(UNASSIGNED), 0, 1),
        (HANOI, file_id(CORRECTION), 1, 0),
    ]
    of_station = get(api, f"/v1/files?station={HANOI}&from=2026-03-25T06:00:00Z&to=2026-03-25T07:00:00Z")
    assert [f["id"] for f in of_station["items"]] == [file_id(CORRECTION)]
    assert get(api, f"/v1/files/{file_id(CORRECTION)}") == of_station["items"][0]


def test_the_exact_bytes_come_back_with_their_name_and_tag(api: TestClient) -> None:
    path = f"/v1/files/{file_id(CORRECTION)}/content"
    answer = api.get(path)
    assert answer.content == CORRECTION
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["etag"] == f'"{file_id(CORRECTION)}"'
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''S%E1%BB%ADa%20%22l%E1%BA%A1i%22.txt"
    )
    again = api.get(path, headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert api.get(path, headers={"If-None-Match": '"other"'}).content == CORRECTION


def test_rejected_lines_are_listed_with_their_reason(api: TestClient) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    (reject,) = get(api, f"/v1/rejects?{span}&station={HANOI}")["items"]
    assert (reject["line"], reject["text"], reject["reason"]) == (2, "NO2\t12,4x", "value-not-a-number")
    assert get(api, f"/v1/rejects?{span}&reason=value-not-a-number")["items"] == [reject]
    assert get(api, f"/v1/rejects?{span}&reason=bad-time")["items"] == []


def test_only_rejects_of_the_newest_reading_of_a_file_are_open(api: TestClient) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    assert [(r["station"], r["line"]) for r in get(api, f"/v1/rejects?{span}")["items"]] == [(HANOI, 2)]
    (count,) = get(api, f"/v1/rejects/summary?{span}")["items"]
    assert (count["station"], count["reason"]) == (HANOI, "value-not-a-number")
    assert (count["files"], count["lines"]) == (1, 1)
    assert api.get(f"/v1/rejects/summary?{span}&cursor=x").status_code == 422


def test_unassigned_files_are_listed_until_they_have_a_station(
    api: TestClient, danang_api: TestClient
) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    found = get(api, f"/v1/files?{span}&unassigned=true")["items"]
    assert [f["id"] for f in found] == [file_id(UNASSIGNED)]
    assert get(danang_api, f"/v1/files?{span}&unassigned=true")["items"] == []
    assert api.get(f"/v1/files?{span}&unassigned=true&station={HANOI}").status_code == 422


def test_a_key_of_one_province_sees_no_other(danang_api: TestClient) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    assert [s["code"] for s in get(danang_api, "/v1/stations")["items"]] == [DANANG]
    assert {i["station"] for i in get(danang_api, "/v1/latest")["items"]} == {DANANG}
    assert {f["station"] for f in get(danang_api, f"/v1/files?{span}")["items"]} == {DANANG}
    assert get(danang_api, f"/v1/rejects?{span}")["items"] == []
    hidden = (
        f"/v1/stations/{HANOI}",
        f"/v1/stations/{HANOI}/latest",
        f"/v1/readings?station={HANOI}",
        f"/v1/averages?station={HANOI}",
        f"/v1/lineage?station={HANOI}&parameter=PM2.5&{AT_NOON}",
        f"/v1/files?station={HANOI}",
        f"/v1/files/{file_id(FIRST_FILE)}",
        f"/v1/files/{file_id(FIRST_FILE)}/content",
        f"/v1/files/{file_id(UNASSIGNED)}",
        f"/v1/rejects?station={HANOI}",
    )
    assert {path: danang_api.get(path).status_code for path in hidden} == dict.fromkeys(hidden, 404)
    assert danang_api.get(f"/v1/files/{file_id(DANANG_FILE)}/content").content == DANANG_FILE


LOST_SPAN = "from=2026-03-23T00:00:00Z&to=2026-03-24T00:00:00Z"


def test_a_key_of_a_station_sees_that_station_and_nothing_else(station_api: TestClient) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    assert [s["code"] for s in get(station_api, "/v1/stations")["items"]] == [DANANG]
    assert {f["station"] for f in get(station_api, f"/v1/files?{span}")["items"]} == {DANANG}
    assert get(station_api, f"/v1/files?{LOST_SPAN}")["items"] == []
    assert get(station_api, f"/v1/files?{LOST_SPAN}&unassigned=true")["items"] == []
    assert get(station_api, f"/v1/rejects?{LOST_SPAN}")["items"] == []
    assert station_api.get(f"/v1/readings?station={HANOI}").status_code == 404
    assert station_api.get(f"/v1/files/{file_id(LOST)}").status_code == 404
    assert station_api.get(f"/v1/files/{file_id(DANANG_FILE)}/content").content == DANANG_FILE


def test_a_key_of_an_account_sees_its_stations_and_what_it_sent_that_belongs_to_none(
    account_api: TestClient,
) -> None:
    span = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"
    assert {f["station"] for f in get(account_api, f"/v1/files?{span}")["items"]} == {DANANG}
    own = [file_id(LOST), file_id(LOST_BY_BOTH)]
    for path in (f"/v1/files?{LOST_SPAN}", f"/v1/files?{LOST_SPAN}&unassigned=true"):
        files = get(account_api, path)["items"]
        assert [(f["id"], f["account"]) for f in files] == [(identity, "nmclt") for identity in own]
    rejects = get(account_api, f"/v1/rejects?{LOST_SPAN}")["items"]
    assert [(r["file_id"], r["reason"]) for r in rejects] == [(id_, "unknown-station") for id_ in own]
    (count,) = get(account_api, f"/v1/rejects/summary?{LOST_SPAN}")["items"]
    assert (count["station"], count["files"], count["lines"]) == ("", 2, 2)
    assert get(account_api, f"/v1/files?{LOST_SPAN}&station={DANANG}")["items"] == []
    assert account_api.get(f"/v1/files/{file_id(LOST)}/content").content == LOST
    assert account_api.get(f"/v1/files/{file_id(LOST_BY_OTHERS)}").status_code == 404
    assert account_api.get(f"/v1/files/{file_id(UNASSIGNED)}").status_code == 404
    assert account_api.get(f"/v1/readings?station={HANOI}").status_code == 404


def test_bytes_that_two_accounts_sent_come_under_the_name_that_the_own_one_gave(
    account_api: TestClient,
) -> None:
    path = f"/v1/files/{file_id(LOST_BY_BOTH)}"
    assert get(account_api, path)["account"] == "nmclt"
    assert "nmclt.txt" in account_api.get(f"{path}/content").headers["content-disposition"]


def test_ready_asks_the_real_server(api: TestClient) -> None:
    assert get(api, "/health/ready") == {"status": "ok"}


def test_a_clickhouse_that_is_away_is_503_and_may_be_tried_again(registry: Registry, book: RuleBook) -> None:
    nobody = ClickHouse(ClickHouseSettings(port=1))
    app = create_app(Context(nobody, registry, book, LimitBook(()), lambda: True, lambda: NOW))
    with TestClient(app, headers={"X-Api-Key": TOKEN}) as client:
        answer = client.get(f"/v1/readings?station={HANOI}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
        assert client.get("/v1/stations").status_code == 200
