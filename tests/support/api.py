"""The API over given rows, with three stations.

A measures air and is closed, B lies in Da Nang, C measures wastewater.
"""

from datetime import timedelta
from typing import Any

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, StationParameter, StationType
from quantrac.domain.stamps import Stamps
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, station
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context

TOKEN, KEY = new_key("analyst")
RULES, LIMITS = load(), LimitBook(())
PARAMETERS = (
    StationParameter("PM2.5", "µg/m³", range_low=0.0, range_high=1000.0),
    StationParameter("X9", "mV"),
)
STATIONS = (
    station(
        "A",
        parameters=PARAMETERS,
        aliases=["A1"],
        stamps=(StampMeaning(Stamps.END),),
        valid_to=NOON - timedelta(days=1),
    ),
    station("B", province="48"),
    station("C", type=StationType.WASTEWATER),
)


def api_client(*answers: list[dict[str, Any]]) -> tuple[TestClient, GivenRows]:
    """Return a client with an unlimited key, and the tables that answer its queries one after the other."""
    tables = GivenRows(*answers)
    registry = Registry({s.code: s for s in STATIONS}, api_keys={KEY.id: KEY.to_domain()})
    app = create_app(Context(tables, registry, RuleBook(RULES, registry), LIMITS, lambda: True, lambda: NOON))
    return TestClient(app, headers={"X-Api-Key": TOKEN}), tables


def reading_row(**columns: Any) -> dict[str, Any]:
    """Return a row of ``readings`` as the API selects it."""
    row = {
        "station": "A",
        "parameter": "PM2.5",
        "measured_at": NOON,
        "value": 7.0,
        "text": "",
        "unit": "µg/m³",
    }
    row |= {"status": "00", "qualifier": "", "flag": 2, "tests": "", "rules": "r"}
    row |= {"line": 1, "received_at": NOON}
    return row | columns
