"""Registry requests over the API, as the tables hold them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.api_keys import ApiKey
from quantrac.testing.builders import NOON, station
from services.api.common.keys import Reader, RequestScope
from services.api.common.problems import UnknownStation
from support.api import api_client


def row(station: str, **columns: Any) -> dict[str, Any]:
    """Return a row of ``registry_requests`` as the API selects it."""
    usual: dict[str, Any] = {"station": station, "province": "01", "account": "hanoi", "version": "f" * 64}
    usual |= {"state": "waiting", "takes_sets": 0, "reason": "", "decided_by": "", "decided_at": None}
    usual |= {"sent_at": NOON, "changed_at": NOON, "waiting_sets": 0, "waiting_readings": 0}
    usual |= {"waiting_since": datetime.fromtimestamp(0, NOON.tzinfo), "entry": "{}", "ministry_entry": ""}
    return usual | columns


def test_a_request_shows_its_entry_its_state_and_what_waits() -> None:
    since = NOON - timedelta(hours=1)
    waiting = {"waiting_sets": 2, "waiting_readings": 24, "waiting_since": since}
    api, _ = api_client(
        [row("NEW", **waiting, entry='{"code":"NEW"}', ministry_entry='{"code":"NEW","name":"x"}')]
    )
    (item,) = api.get("/v1/registry/requests").json()["items"]
    assert item == {
        **{"station": "NEW", "province": "01", "account": "hanoi", "version": "f" * 64, "state": "waiting"},
        **{"takes_sets": False, "reason": "", "decided_by": None, "decided_at": None},
        **{"sent_at": "2026-03-25T05:00:00Z", "changed_at": "2026-03-25T05:00:00Z"},
        **{"waiting_sets": 2, "waiting_readings": 24, "waiting_since": "2026-03-25T04:00:00Z"},
        **{"entry": {"code": "NEW"}, "ministry_entry": {"code": "NEW", "name": "x"}},
    }


def test_where_nothing_waits_there_is_no_oldest_set() -> None:
    (item,) = api_client([row("A")])[0].get("/v1/registry/requests").json()["items"]
    assert (item["waiting_since"], item["ministry_entry"]) == (None, None)


def test_requests_come_in_pages() -> None:
    api, tables = api_client([row("A"), row("B"), row("C")], [row("C")])
    first = api.get("/v1/registry/requests?limit=2").json()
    assert [item["station"] for item in first["items"]] == ["A", "B"]
    second = api.get(first["next"]).json()
    assert ([item["station"] for item in second["items"]], second["next"]) == (["C"], None)
    assert [parameters["after"] for parameters in tables.asked] == ["", "B"]


def test_requests_are_filtered_by_state_province_and_station() -> None:
    api, tables = api_client()
    assert api.get("/v1/registry/requests?state=waiting&province=Hà Nội&station=NEW").status_code == 200
    (parameters,) = tables.asked
    assert (parameters["state"], parameters["province"], parameters["code"]) == ("waiting", "01", "NEW")
    assert api.get("/v1/registry/requests?state=unknown").status_code == 422
    assert api.get("/v1/registry/requests?station=NEW").json()["type"] == "/docs#unknown-station"


def test_a_key_sees_the_requests_of_its_provinces_and_stations_alone() -> None:
    def scope(*accounts: Account, named: str | None = None, **fields: Any) -> RequestScope:
        return Reader(
            ApiKey("k", "o", "s", **fields), {"HUE": station("HUE", province="46")}, accounts
        ).request_scope(named)

    logger = Account(name="l", password_hash="", stations=("B",))
    assert scope() == (True, [], [])
    assert scope(named="NEW") == (True, [], [])
    assert scope(provinces=("01",), named="NEW") == (False, ["01"], [])
    assert scope(logger, stations=("A",), accounts=("l",), named="B") == (False, [], ["A", "B"])
    with pytest.raises(UnknownStation):
        scope(provinces=("01",), named="HUE")
    with pytest.raises(UnknownStation):
        scope(stations=("A",), named="NEW")
