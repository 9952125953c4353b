"""What the API answers from the registry and from given rows, and how it documents itself."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import BaseModel

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationParameter, StationType
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, station
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api import plain
from services.api.app import create_app
from services.api.context import Context
from services.api.models import Alerts, Averages, Exceedances, Indices, Readings, StationLatest
from services.api.routers.lineage import line_text

TOKEN, KEY = new_key("analyst")
RULES, LIMITS = load(), LimitBook(())
PARAMETERS = (
    StationParameter("PM2.5", "µg/m³", range_low=0.0, range_high=1000.0),
    StationParameter("X9", "mV"),
)
STATIONS = (
    station("A", parameters=PARAMETERS, aliases=["A1"], valid_to=NOON - timedelta(days=1)),
    replace(station("B"), province="48"),
    station("C", type=StationType.WASTEWATER),
)


def client(*answers: list[dict[str, Any]]) -> tuple[TestClient, GivenRows]:
    tables = GivenRows(*answers)
    registry = Registry({s.code: s for s in STATIONS}, api_keys={KEY.id: KEY.to_domain()})
    app = create_app(Context(tables, registry, RuleBook(RULES, registry), LIMITS, lambda: True, lambda: NOON))
    return TestClient(app, headers={"X-Api-Key": TOKEN}), tables


def codes(path: str) -> list[str]:
    return [item["code"] for item in client()[0].get(path).json()["items"]]


def test_stations_are_listed_by_code_closed_ones_too() -> None:
    assert codes("/v1/stations") == ["A", "B", "C"]
    assert codes("/v1/stations?type=wastewater") == ["C"]
    assert codes("/v1/stations?province=48") == ["B"]
    assert codes("/v1/stations?province=48&type=wastewater") == []


def test_stations_come_in_pages() -> None:
    api, _ = client()
    first = api.get("/v1/stations?limit=2&province=01").json()
    assert [item["code"] for item in first["items"]] == ["A", "C"]
    assert first["next"] is None
    first = api.get("/v1/stations?limit=2").json()
    second = api.get(first["next"]).json()
    assert ([item["code"] for item in second["items"]], second["next"]) == (["C"], None)


def test_a_station_is_shown_with_what_it_measures() -> None:
    shown = client()[0].get("/v1/stations/A").json()
    assert (shown["aliases"], shown["valid_to"], shown["interval_seconds"]) == (
        ["A1"],
        "2026-03-24T05:00:00Z",
        300,
    )
    known, unknown = shown["parameters"]
    assert (known["code"], known["unit"], known["range_low"], known["range_high"]) == (
        "PM2.5",
        "µg/m³",
        0,
        1000,
    )
    assert known["name"] != "PM2.5"
    assert (unknown["code"], unknown["name"], unknown["name_vi"]) == ("X9", "X9", "X9")


def reading(**more: Any) -> dict[str, Any]:
    row = {
        "station": "A",
        "parameter": "PM2.5",
        "measured_at": NOON,
        "value": 7.0,
        "text": "",
        "unit": "µg/m³",
    }
    row |= {"status": "00", "flag": 2, "tests": "", "rules": "r", "line": 1, "received_at": NOON}
    return row | more


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [(7.0, "", "7"), (14.91, "", "14.91"), (12.4, "12.40", "12.40"), (1e-07, "", "1e-07")],
)
def test_the_text_of_a_value_is_what_stood_in_the_file(value: float, text: str, shown: str) -> None:
    api, _ = client([reading(value=value, text=text)])
    assert api.get("/v1/readings?station=A").json()["items"][0]["text"] == shown


def test_a_time_is_given_as_sent_and_on_the_grid_of_the_station() -> None:
    api, _ = client(
        [reading(measured_at=NOON + timedelta(seconds=31)), reading(measured_at=NOON - timedelta(minutes=2))]
    )
    first, second = api.get("/v1/readings?station=A").json()["items"]
    assert (first["measured_at"], first["grid_at"]) == ("2026-03-25T05:00:31Z", "2026-03-25T05:00:00Z")
    assert second["grid_at"] == "2026-03-25T05:00:00Z"


def test_outcomes_and_flags_are_given_as_they_are_known() -> None:
    api, _ = client([reading(), reading(flag=7, tests='{"spike":4}')])
    first, second = api.get("/v1/readings?station=A").json()["items"]
    assert (first["flag"], first["flag_name"], first["tests"]) == (2, "not evaluated", {})
    assert (second["flag"], second["flag_name"], second["tests"]) == (7, "unknown", {"spike": 4})


def test_plain_answers_are_what_the_models_state() -> None:
    hour = {"station": "A", "parameter": "PM2.5", "period": "hour", "unit": "µg/m³", "starts_at": NOON}
    hour |= {"ends_at": NOON + timedelta(hours=1), "mean": None, "minimum": None, "maximum": None, "count": 0}
    hour |= dict.fromkeys(("total", "sd", "p05", "p25", "p50", "p75", "p95", "p98"))
    hour |= dict.fromkeys(("good", "not_evaluated", "suspect", "fail", "missing", "complete"), 0)
    hour |= {"received": 0, "expected": 12, "completeness": 0.0, "version": 1, "computed_at": NOON}
    span = {"starts_at": NOON, "ends_at": NOON + timedelta(hours=1), "version": 1, "computed_at": NOON}
    index = {"station": "A", "kind": "VN_AQI", "period": "hour", "value": 51, **span}
    index |= {"responsible": ["PM2.5"], "subindices": {"PM2.5": 51.0}}
    episode = {
        "station": "GONE",
        "parameter": "PM2.5",
        "period": "day",
        "standard": "QCVN",
        "column": "",
        **span,
    }
    episode |= {
        "minimum": None,
        "maximum": 45.0,
        "unit": "µg/m³",
        "periods": 1,
        "peak": 60.0,
        "peak_at": NOON,
    }
    episode |= {"ratio": 1.5, "open": 1}
    alert = {"alert_id": "a", "kind": "station-silent", "severity": "info", "state": "opened", "version": 1}
    alert |= {
        "station": "A",
        "parameter": "",
        "opened_at": NOON,
        "changed_at": NOON,
        "detail": "",
        "facts": {},
    }
    api, _ = client([reading()], [reading()], [reading()], [hour], [index], [episode], [alert])
    checks: dict[str, type[BaseModel]] = {
        "/v1/readings?station=A": Readings,
        "/v1/latest": Readings,
        "/v1/stations/A/latest": StationLatest,
        "/v1/averages?station=A": Averages,
        "/v1/indices?station=A": Indices,
        "/v1/exceedances": Exceedances,
        "/v1/alerts": Alerts,
    }
    for path, model in checks.items():
        answer = api.get(path)
        assert model.model_validate_json(answer.content).model_dump(mode="json") == answer.json(), path


def test_one_row_more_than_the_page_holds_is_asked_for_and_kept_back() -> None:
    api, tables = client([reading(parameter=p) for p in ("NO", "NO2", "PM10")])
    page = api.get("/v1/readings?station=A&limit=2&flag=1").json()
    assert [item["parameter"] for item in page["items"]] == ["NO", "NO2"]
    assert tables.asked[0]["limit"] == 3
    assert page["next"].startswith("/v1/readings?station=A&limit=2&flag=1&from=2026-03-24T05%3A00%3A00Z&to=")
    api.get(page["next"])
    assert (tables.asked[1]["after_time"], tables.asked[1]["after_parameter"]) == (
        "2026-03-25 05:00:00",
        "NO2",
    )


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("VN_AQI", 50, ("good", "Tốt", "green", "xanh", "#00e400")),
        ("VN_AQI", 51, ("moderate", "Trung bình", "yellow", "vàng", "#ffff00")),
        ("VN_AQI", 500, ("hazardous", "Nguy hại", "brown", "nâu", "#7e0023")),
        ("VN_WQI", 50, ("bad", "Xấu", "orange", "da cam", "#ff7e00")),
        ("VN_WQI", 0, ("very heavily polluted", "Ô nhiễm rất nặng", "brown", "nâu", "#7e0023")),
    ],
)
def test_the_level_of_an_index_is_the_one_of_its_own_scale(
    kind: str, value: int, shown: tuple[str, ...]
) -> None:
    row = {"kind": kind, "value": value, "starts_at": NOON, "ends_at": NOON}
    level = plain.index(row, plain.zone_of("UTC"))["level"]
    assert tuple(level[name] for name in ("name", "name_vi", "colour", "colour_vi", "rgb")) == shown


@pytest.mark.parametrize(
    ("content", "number", "text"),
    [
        (b"a\r\nb\rc\nd", 4, "d"),
        (b"\xef\xbb\xbfa\n", 1, "a"),
        (b"a\n", 2, ""),
        (b"a\n", 3, None),
        (b"a\n", 0, None),
        (b"\x00\x01\x02", 1, None),
    ],
)
def test_lines_are_counted_as_the_parser_counts_them(content: bytes, number: int, text: str | None) -> None:
    assert line_text(content, number) == text


class Page(HTMLParser):
    """Gathers anchors, links and everything a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids.add(values.get("id") or "")
        self.targets.add(values.get("href") or "")
        if tag in ("script", "img", "link", "iframe") or "src" in values:
            self.loaded.append(tag)


def test_the_documentation_page_stands_alone_and_its_links_lead_somewhere() -> None:
    answer = client()[0].get("/docs")
    page = Page(answer.text)
    assert page.loaded == []
    assert "url(" not in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert {target[1:] for target in page.targets if target.startswith("#")} - page.ids == set()


def test_every_operation_is_on_the_documentation_page_with_its_curl_line() -> None:
    api, _ = client()
    text = api.get("/docs").text
    paths = api.get("/openapi.json").json()["paths"]
    assert len(paths) == 18
    for path in paths:
        assert f'<span class="path">{path}</span>' in text
    assert text.count("<pre>curl ") == len(paths)
    assert (
        "curl -H &quot;X-Api-Key: $KEY&quot; &#x27;http://testserver/v1/stations/HN_BKHN_KHIKXQ&#x27;" in text
    )


def test_every_parameter_and_field_is_described() -> None:
    document = client()[0].get("/openapi.json").json()
    plain = {"station", "parameter", "items", "minimum", "maximum", "parameters", "status", "code"}
    bare = {
        (path, p["name"])
        for path, methods in document["paths"].items()
        for p in methods["get"].get("parameters", ())
        if not p.get("description")
    }
    assert bare == set()
    for name, schema in document["components"]["schemas"].items():
        fields = schema.get("properties", {})
        assert {
            f for f, kind in fields.items() if "description" not in kind and "$ref" not in kind
        } <= plain, name


def test_problems_are_documented_as_problems() -> None:
    operation = client()[0].get("/openapi.json").json()["paths"]["/v1/readings"]["get"]
    assert set(operation["responses"]) == {"200", "401", "404", "422", "429", "503"}
    assert list(operation["responses"]["422"]["content"]) == ["application/problem+json"]
    assert {scheme for entry in operation["security"] for scheme in entry} == {"X-Api-Key", "Bearer"}


def test_markup_in_a_description_is_escaped() -> None:
    text = client()[0].get("/docs").text
    assert not re.search(
        r"<(?!/?(a|article|body|br|code|h1|h2|h3|head|html|meta|nav|p|pre|small|span|strong|style|table|td|th|title|tr|!)\b|!doctype)",
        text,
    )
