"""Answers written as plain data have the form that the models state."""

from datetime import timedelta

from pydantic import BaseModel

from quantrac.testing.builders import NOON
from services.api.alerts.answer import Alerts
from services.api.averages.answer import Averages
from services.api.exceedances.answer import Exceedances
from services.api.indices.answer import Indices
from services.api.readings.answer import Readings, StationLatest
from support.api import api_client, reading_row


def test_plain_answers_are_what_the_models_state() -> None:
    hour = {"station": "A", "parameter": "PM2.5", "period": "hour", "unit": "µg/m³", "starts_at": NOON}
    hour |= {"ends_at": NOON + timedelta(hours=1), "mean": None, "minimum": None, "maximum": None, "count": 0}
    hour |= dict.fromkeys(("total", "sd", "p05", "p25", "p50", "p75", "p95", "p98"))
    hour |= dict.fromkeys(("good", "not_evaluated", "suspect", "fail", "missing", "qualified", "complete"), 0)
    hour |= {"received": 0, "expected": 12, "completeness": 0.0, "version": 1, "computed_at": NOON}
    span = {"starts_at": NOON, "ends_at": NOON + timedelta(hours=1), "version": 1, "computed_at": NOON}
    index = {"station": "A", "kind": "VN_AQI", "period": "hour", "value": 51, **span}
    index |= {"responsible": ["PM2.5"], "subindices": {"PM2.5": 51.0}, "formula": None}
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
    readings, latest = [reading_row()], [reading_row(measured_at=NOON - timedelta(minutes=5))]
    api, _ = api_client(readings, latest, latest, [hour], [index], [episode], [alert])
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
