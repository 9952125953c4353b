"""The limits of a station over the API: what its permit or its medium's standard says at a time."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from quantrac.domain.limits import Coefficient, LimitBook, Row, Standard
from quantrac.domain.periods import Period
from quantrac.domain.registry.permits import Permit, PermitLimit
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationType
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, station
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context

TOKEN, KEY = new_key("analyst")
DANANG_TOKEN, DANANG_KEY = new_key("department of Da Nang", provinces=["48"])

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PM25 = Row("PM2.5", Period.DAY, "µg/m³", maximum=50.0, source="Table 1", certainty="high")
AIR = Standard(
    "QCVN 05:2023/BTNMT",
    "Air",
    "Không khí",
    frozenset({StationType.AMBIENT_AIR}),
    rows=(replace(PM25, valid_to=NEW_YEAR), replace(PM25, maximum=45.0, valid_from=NEW_YEAR)),
)
WATER = Standard(
    "QCVN 40:2011/BTNMT",
    "Wastewater",
    "Nước thải",
    frozenset({StationType.WASTEWATER}),
    columns=(("A", "drinking"), ("B", "other")),
    coefficients=(Coefficient("Kq", "receiving water"), Coefficient("Kf", "flow", frozenset({"pH"}))),
    rows=(
        Row("pH", Period.DAY, "", "A", minimum=6.0, maximum=9.0, source="Table 1"),
        Row("COD", Period.DAY, "mg/L", "A", maximum=75.0, source="Table 1"),
    ),
)
PERMIT = Permit(
    "QCVN 40:2011/BTNMT",
    column="A",
    coefficients=(("Kq", 0.9), ("Kf", 1.1)),
    limits=(PermitLimit("TSS", "mg/L", "hour", maximum=40.0),),
    number="GPMT 12/2025",
    valid_from=NEW_YEAR,
)
STATIONS = (
    station("AIR"),
    station("PLANT", type=StationType.WASTEWATER, province="48", permits=(PERMIT,)),
)


def client(token: str = TOKEN) -> TestClient:
    keys = {key.id: key.to_domain() for key in (KEY, DANANG_KEY)}
    registry = Registry({s.code: s for s in STATIONS}, api_keys=keys)
    book = LimitBook((AIR, WATER))
    app = create_app(
        Context(GivenRows(), registry, RuleBook(load(), registry), book, lambda: True, lambda: NOON)
    )
    return TestClient(app, headers={"X-Api-Key": token})


def limits(query: str) -> Any:
    answer = client().get(f"/v1/limits?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_limit_is_given_with_its_standard_its_source_and_its_certainty() -> None:
    assert limits("station=AIR") == {
        "station": "AIR",
        "at": "2026-03-25T05:00:00Z",
        "items": [
            {
                "parameter": "PM2.5",
                "period": "day",
                "unit": "µg/m³",
                "standard": "QCVN 05:2023/BTNMT",
                "column": "",
                "coefficients": {},
                "minimum": None,
                "maximum": 45.0,
                "reference_oxygen": None,
                "source": "Table 1",
                "certainty": "high",
            }
        ],
    }


def test_a_limit_is_the_one_of_the_time_asked_for() -> None:
    before = limits("station=AIR&at=2026-01-01T06:59:59%2B07:00")
    assert (before["at"], before["items"][0]["maximum"]) == ("2025-12-31T23:59:59Z", 50.0)
    assert limits("station=AIR&at=2026-01-01T07:00:00%2B07:00")["items"][0]["maximum"] == 45.0


def test_the_coefficients_of_the_permit_are_multiplied_in_and_told() -> None:
    items = {item["parameter"]: item for item in limits("station=PLANT")["items"]}
    assert list(items) == ["COD", "TSS", "pH"]
    assert (items["COD"]["maximum"], items["COD"]["coefficients"]) == (74.25, {"Kq": 0.9, "Kf": 1.1})
    assert (items["TSS"]["standard"], items["TSS"]["period"]) == ("GPMT 12/2025", "hour")
    assert (items["TSS"]["maximum"], items["TSS"]["coefficients"]) == (40.0, {})


def test_a_station_that_nothing_holds_to_a_limit_has_none() -> None:
    assert limits("station=PLANT&at=2025-12-31T00:00:00Z")["items"] == []


def test_a_key_of_another_province_does_not_learn_of_the_station() -> None:
    danang = client(DANANG_TOKEN)
    assert danang.get("/v1/limits?station=PLANT").status_code == 200
    assert danang.get("/v1/limits?station=AIR").json()["type"] == "/docs#unknown-station"
