"""What the API answers when it cannot give what was asked for: always a problem that says why."""

from collections.abc import Callable
from typing import Any

import pytest

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseRefused
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, station
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from services.api.common.problems import ProblemDocument

TOKEN, KEY = new_key("analyst")
RULES, LIMITS = load(), LimitBook(())
CODE = "HN_BKHN_KHIKXQ"


def client(
    tables: GivenRows | None = None, *, registry_read: Callable[[], bool] = lambda: True, **options: Any
) -> TestClient:
    registry = Registry({CODE: station()}, api_keys={KEY.id: KEY.to_domain()})
    context = Context(
        tables or GivenRows(),
        registry,
        RuleBook(RULES, registry),
        LIMITS,
        registry_read,
        lambda: NOON,
        **options,
    )
    return TestClient(create_app(context), headers={"X-Api-Key": TOKEN}, raise_server_exceptions=False)


def problem(answer: Any, status: int) -> ProblemDocument:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = ProblemDocument.model_validate_json(answer.content)
    assert document.status == status
    return document


def test_a_problem_says_what_was_asked_for_and_where_its_kind_is_described() -> None:
    document = problem(client().get("/v1/stations/NOWHERE?a=b"), 404)
    assert document.model_dump() == {
        "type": "/docs#unknown-station",
        "title": "There is no such station",
        "status": 404,
        "detail": "No station 'NOWHERE' is registered, or this key may not read it.",
        "instance": "/v1/stations/NOWHERE?a=b",
        "errors": [],
    }
    assert 'id="unknown-station"' in client().get("/docs").text


@pytest.mark.parametrize(
    "path",
    [
        *("readings?station=", "averages?station=X", "files?station=X", "rejects?station=X"),
        *("indices?station=X", "exceedances?station=X&province=01", "alerts?station=X", "limits?station=X"),
    ],
)
def test_an_unknown_station_is_told_from_one_without_rows(path: str) -> None:
    assert problem(client().get(f"/v1/{path}"), 404).type == "/docs#unknown-station"


@pytest.mark.parametrize(
    ("path", "parameter", "detail"),
    [
        ("/v1/readings", "station", "is required"),
        ("/v1/readings?station=X&from=2026-03-25T00:00:00", "from", "has no time zone"),
        ("/v1/readings?station=X&to=yesterday", "to", "is not a time in ISO 8601"),
        ("/v1/readings?station=X&flag=5", "flag", "Input should be 1, 2, 3, 4 or 9"),
        ("/v1/readings?station=X&limit=0", "limit", "greater than or equal to 1"),
        ("/v1/readings?station=X&limit=many", "limit", "valid integer"),
        ("/v1/readings?station=X&paramter=PM10", "paramter", "this operation has no such parameter"),
        (f"/v1/readings?station={CODE}&limit=10001", "limit", "more than the 10000 that this server allows"),
        (f"/v1/readings?station={CODE}&cursor=x", "cursor", "is not one that this operation gave"),
        (f"/v1/readings?station={CODE}&cursor=x%3D", "cursor", "should match pattern"),
        ("/v1/rejects/summary?cursor=x", "cursor", "this operation has no such parameter"),
        (f"/v1/readings?station={CODE}&from=2026-03-26T00:00:00Z", "from", "does not lie before `to`"),
        (
            "/v1/averages?station=X&period=minute",
            "period",
            "Input should be 'hour', '8h', 'day', 'month' or 'year'",
        ),
        ("/v1/indices?station=X&kind=AQI", "kind", "Input should be 'VN_AQI' or 'VN_WQI'"),
        ("/v1/indices?station=X&period=month", "period", "Input should be 'hour' or 'day'"),
        ("/v1/indices", "station", "is required"),
        (f"/v1/indices?station={CODE}&as_of=2026-03-26", "as_of", "has no time zone"),
        ("/v1/exceedances?open=perhaps", "open", "valid boolean"),
        ("/v1/exceedances?province=999", "province", "is no province of today"),
        ("/v1/exceedances?cursor=WyIyMDI2LTAzLTI1VDAwOjAwOjAwWiIsIlBNMTAiXQ", "cursor", "is not one that"),
        ("/v1/exceedances?limit=10001", "limit", "more than the 10000 that this server allows"),
        ("/v1/exceedances?open=true&to=1960-01-01T00:00:00Z", "from", "does not lie before `to`"),
        ("/v1/alerts?state=opened", "state", "Input should be 'open', 'closed' or 'all'"),
        ("/v1/alerts?severity=high", "severity", "Input should be 'info', 'warning' or 'critical'"),
        ("/v1/alerts?kind=silent", "kind", "Input should be 'station-silent'"),
        ("/v1/alerts?as_of=2026-03-26T00:00:00Z", "as_of", "this operation has no such parameter"),
        ("/v1/limits", "station", "is required"),
        (f"/v1/limits?station={CODE}&at=now", "at", "is not a time in ISO 8601"),
        (f"/v1/limits?station={CODE}&limit=1", "limit", "this operation has no such parameter"),
        ("/v1/stations?type=air", "type", "Input should be 'ambient-air'"),
        ("/v1/latest?province=999", "province", "is no province of today"),
        ("/v1/lineage?station=X&parameter=PM10", "measured_at", "is required"),
        ("/v1/files/abc", "file_id", "should match pattern"),
    ],
)
def test_a_bad_parameter_is_named(path: str, parameter: str, detail: str) -> None:
    document = problem(client().get(path), 422)
    (error,) = document.errors
    assert error["parameter"] == parameter
    assert detail in error["detail"]
    assert document.detail == f"{parameter}: {error['detail']}"


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Api-Key": "qk_x"}, {"Authorization": f"Bearer {TOKEN[:-1]}0x"}, {"Authorization": "Basic YTpi"}],
)
def test_without_a_valid_key_the_answer_is_401_whatever_else_is_wrong(headers: dict[str, str]) -> None:
    api = client()
    del api.headers["X-Api-Key"]
    answer = api.get("/v1/readings?limit=0", headers=headers)
    assert problem(answer, 401).type == "/docs#no-valid-key"
    assert answer.headers["www-authenticate"] == 'Bearer realm="quantrac"'


def test_health_and_documentation_need_no_key() -> None:
    api = client()
    del api.headers["X-Api-Key"]
    for path in ("/health/live", "/health/ready", "/docs", "/openapi.json"):
        assert api.get(path).status_code == 200, path


def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405() -> None:
    assert problem(client().get("/v2/readings"), 404).detail == "There is nothing at /v2/readings."
    answer = client().post("/v1/stations")
    assert (problem(answer, 405).title, answer.headers["allow"]) == ("Method Not Allowed", "GET")


def test_before_the_registry_has_been_read_no_key_is_called_unknown() -> None:
    api = client(registry_read=lambda: False)
    answer = api.get("/v1/stations")
    assert problem(answer, 503).detail == "The station registry has not been read yet."
    assert answer.headers["retry-after"] == "5"
    assert problem(api.get("/health/ready"), 503).detail == "The station registry has not been read yet."
    assert api.get("/health/live").json() == {"status": "ok"}


def test_clickhouse_away_is_503_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    tables = GivenRows()
    tables.away = True
    answer = client(tables).get(f"/v1/readings?station={CODE}")
    assert problem(answer, 503).type == "/docs#unavailable"
    assert answer.headers["retry-after"] == "5"
    assert [record.getMessage() for record in caplog.records] == ["/v1/readings: connection refused"]
    assert problem(client(tables).get("/health/ready"), 503).detail == "ClickHouse does not answer."


def test_a_fault_of_ours_tells_the_caller_nothing_of_the_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ClickHouseRefused("Code: 60. DB::Exception: Table t.readings does not exist")

    tables = GivenRows()
    monkeypatch.setattr(tables, "query", refuse)
    document = problem(client(tables).get(f"/v1/readings?station={CODE}"), 500)
    assert (document.type, document.detail) == ("/docs#internal-error", "/v1/readings could not be answered.")


def test_the_page_limit_is_what_the_server_was_set_up_with() -> None:
    api = client(page_limit=2)
    assert problem(api.get("/v1/stations?limit=3"), 422).errors[0]["parameter"] == "limit"
    assert api.get("/v1/stations?limit=2").status_code == 200
    assert api.get("/v1/stations").status_code == 200
    paths = api.get("/openapi.json").json()["paths"]
    parameters = {path: paths[path]["get"]["parameters"] for path in ("/v1/latest", "/v1/readings")}
    limits = [p["schema"] for path in parameters for p in parameters[path] if p["name"] == "limit"]
    assert [(schema["maximum"], schema["default"]) for schema in limits] == [(2, 2), (2, 2)]


def test_only_operations_that_give_pages_offer_a_cursor() -> None:
    document = client().get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        operation = operations["get"]
        content = operation["responses"]["200"].get("content", {}).get("application/json", {})
        schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
        has_pages = "next" in schema.get("properties", {})
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("cursor" in names) == has_pages, path
