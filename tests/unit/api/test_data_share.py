"""``/data-share`` over given rows."""

from dataclasses import asdict
from typing import Any

from quantrac.domain.data_share import DataShare
from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, account, station
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook
from services.api.app import create_app
from services.api.common.context import Context
from support.api import RULES, api_client

SHARE = DataShare(
    "A",
    **{"expected": 12, "present": 10, "absent": 2, "extra": 1, "stored": 11, "good": 10, "suspect": 1},
    **{"confirmed": 9, "waiting": 1, "undelivered": 1},
    **{"files": 3, "received": 13, "read": 11, "rejected": 2, "reasons": {"bad-time": 2}},
)


def client_of(scope: dict[str, Any], *answers: list[dict[str, Any]]) -> tuple[TestClient, GivenRows]:
    """Return a client with a key of that scope, over the stations A and B of two accounts."""
    token, key = new_key("somebody", **scope)
    tables = GivenRows(*answers)
    registry = Registry(
        {"A": station("A"), "B": station("B", province="48")},
        accounts={"own": account("own", stations=["A"]), "other": account("other", stations=["B"])},
        api_keys={key.id: key.to_domain()},
    )
    context = Context(tables, registry, RuleBook(RULES, registry), LimitBook(()), lambda: True, lambda: NOON)
    return TestClient(create_app(context), headers={"X-Api-Key": token}), tables


def test_a_share_is_answered_as_it_is_counted_and_a_station_without_anything_has_zeros() -> None:
    api, tables = api_client([asdict(SHARE)])
    answer = api.get("/v1/data-share?from=2026-03-25T00:00:00Z&to=2026-03-25T05:00:00Z").json()
    assert answer["items"][0] == {**asdict(SHARE), "faults": []}
    assert [item["station"] for item in answer["items"]] == ["A", "B", "C"]
    assert (answer["items"][1]["expected"], answer["items"][1]["reasons"]) == (0, {})
    assert tables.asked[0] == {
        **{"stations": ["A", "B", "C"], "start": "2026-03-25T00:00:00Z", "end": "2026-03-25T05:00:00Z"},
    }


def test_what_is_wrong_with_a_share_is_said() -> None:
    row = asdict(SHARE) | {"stored": 12, "lost": 3}
    (item,) = api_client([row])[0].get("/v1/data-share?station=A").json()["items"]
    assert item["faults"] == [
        "stored is 12, and present + extra is 11",
        "stored is 12, and good + not_evaluated + suspect + fail + missing is 11",
        "stored is 12, and confirmed + waiting + refused + undelivered is 11",
        "3 readings that files gave are neither stored nor replaced",
    ]


def test_nothing_is_counted_after_now() -> None:
    api, tables = api_client()
    answer = api.get("/v1/data-share?station=A&from=2026-03-25T00:00:00Z&to=2026-04-01T00:00:00Z").json()
    assert answer["ends_at"] == "2026-03-25T05:00:00Z"
    assert tables.asked[0]["end"] == "2026-03-25T05:00:00Z"


def test_a_span_is_a_year_at_most() -> None:
    api, tables = api_client()
    refused = api.get("/v1/data-share?station=A&from=1976-01-01T00:00:00Z&to=2026-01-01T00:00:00Z")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "from")
    assert "longer than 366 days" in refused.json()["detail"]
    assert tables.asked == []


def test_pages_are_shorter_where_the_span_is_long_and_keep_the_span() -> None:
    token, key = new_key("analyst")
    registry = Registry(
        {code: station(code) for code in (f"S{number:02d}" for number in range(20))},
        api_keys={key.id: key.to_domain()},
    )
    context = Context(
        GivenRows(), registry, RuleBook(RULES, registry), LimitBook(()), lambda: True, lambda: NOON
    )
    api = TestClient(create_app(context), headers={"X-Api-Key": token})
    page = api.get("/v1/data-share?from=2025-03-25T00:00:00Z").json()
    assert (len(page["items"]), page["ends_at"]) == (8, "2026-03-25T05:00:00Z")
    assert "to=2026-03-25T05%3A00%3A00Z" in page["next"]
    codes = [item["station"] for item in page["items"]]
    while page["next"]:
        page = api.get(page["next"]).json()
        codes += [item["station"] for item in page["items"]]
    assert codes == sorted(registry.stations)


def test_a_key_that_may_read_no_station_asks_nothing() -> None:
    api, tables = client_of({"stations": ["gone"]})
    assert api.get("/v1/data-share").json()["items"] == []
    assert tables.asked == []


def test_files_of_no_station_are_counted_of_accounts_that_may_send_for_the_stations() -> None:
    api, tables = client_of({}, [], [{"files": 4}])
    assert api.get("/v1/data-share?station=B").json()["unassigned_files"] == 4
    assert (tables.asked[1]["stations"], tables.asked[1]["accounts"]) == ([""], ["other"])
    api, tables = client_of({"accounts": ["own"]}, [], [{"files": 1}])
    assert api.get("/v1/data-share").json()["unassigned_files"] == 1
    assert tables.asked[1]["accounts"] == ["own"]


def test_a_key_for_provinces_is_for_no_files_of_no_station() -> None:
    api, tables = client_of({"provinces": ["48"]})
    answer = api.get("/v1/data-share").json()
    assert (answer["unassigned_files"], [item["station"] for item in answer["items"]]) == (None, ["B"])
    assert len(tables.asked) == 1
