"""``/deliveries`` and ``/deliveries/lag`` over the real engine."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, account, station
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from support.analyst_data import insert

HANOI, HUE, DANANG = "HN_A", "HUE_A", "DN_A"
NOW = NOON + timedelta(hours=3)
SPAN = "from=2026-03-25T00:00:00Z&to=2026-03-26T00:00:00Z"

RULES = load()

Ask = Callable[..., Any]


def delivery(number: int, account: str, **columns: Any) -> dict[str, Any]:
    row = {"delivery_id": f"{number}" * 64, "target": "ministry", "account": account, "sent_at": None}
    row |= {"confirmed_at": NOON + timedelta(minutes=number), "sets": 2, "waiting": 0, "rejected": 0}
    return row | {"readings": 20, "bytes": 900, "tries": 1, "receipt": "a.b.c"} | columns


def receipt(number: int, code: str, minute: int, **columns: Any) -> dict[str, Any]:
    row = {"station": code, "file_id": file_id(f"{code}{minute}".encode()), "target": "ministry"}
    row |= {"account": "north", "delivery_id": f"{number}" * 64, "received_at": received(minute)}
    confirmed = {"confirmed_at": NOON + timedelta(minutes=number), "readings": 10}
    return row | confirmed | {"revision": 0, "waiting": 0} | columns


def file(code: str, minute: int) -> dict[str, Any]:
    row = {"station": code, "received_at": received(minute), "file_id": file_id(f"{code}{minute}".encode())}
    row |= {"name": "n", "account": "a", "transport": "ftp", "format": "f", "rules": "r", "readings": 10}
    return row | {"rejects": 0, "rejected_lines": []}


def received(minute: int) -> Any:
    return NOON - timedelta(hours=1) + timedelta(minutes=minute)


@pytest.fixture(scope="module")
def ask(clickhouse: ClickHouseSettings) -> Ask:
    """Ask as an unlimited key does, or as one of a scope."""
    client = ClickHouse(clickhouse)
    insert(client, "files", [file(code, minute) for code in (HANOI, HUE, DANANG) for minute in range(5)])
    receipts = [
        *(receipt(1, HANOI, minute) for minute in range(4)),
        receipt(2, HUE, 0),
        receipt(2, HUE, 1, waiting=1),
        receipt(3, DANANG, 0, account="south"),
        # The flags of a file that is not delivered yet: a revision is no first judgement.
        receipt(3, DANANG, 1, account="south", revision=1),
    ]
    insert(client, "receipts", receipts)
    rejected = {"station": HUE, "file_id": file_id(f"{HUE}2".encode()), "target": "ministry", "line": 3}
    rejected |= {"account": "north", "delivery_id": "2" * 64, "received_at": received(2), "revision": 0}
    insert(client, "rejected_sets", [rejected | {"rejected_at": NOON + timedelta(minutes=2), "reason": "no"}])
    deliveries = [
        delivery(1, "north", sets=4, readings=40),
        delivery(2, "north", waiting=1, rejected=1),
        delivery(3, "south", sent_at=NOON, tries=2),
    ]
    insert(client, "deliveries", [*deliveries, deliveries[0]])

    def ask(path: str, **scope: Any) -> Any:
        token, key = new_key("somebody", **scope)
        registry = Registry(
            {
                HANOI: station(HANOI),
                HUE: station(HUE, province="46"),
                DANANG: station(DANANG, province="48"),
            },
            accounts={
                "north": account("north", role="province", provinces=["01", "46"], stations=[]),
                "south": account("south", role="province", provinces=["48"], stations=[]),
            },
            api_keys={key.id: key.to_domain()},
        )
        book = RuleBook(RULES, registry)
        context = Context(client, registry, book, LimitBook(()), lambda: True, lambda: NOW)
        answer = TestClient(create_app(context), headers={"X-Api-Key": token}).get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def test_deliveries_are_listed_once_with_their_state_and_receipt(ask: Ask) -> None:
    items = ask(f"/v1/deliveries?{SPAN}")["items"]
    assert [(item["delivery_id"][0], item["state"]) for item in items] == [
        ("1", "confirmed"),
        ("2", "rejected"),
        ("3", "confirmed"),
    ]
    assert items[2] == {
        **{"delivery_id": "3" * 64, "target": "ministry", "account": "south"},
        **{"sent_at": "2026-03-25T05:00:00Z", "confirmed_at": "2026-03-25T05:03:00Z", "state": "confirmed"},
        **{"sets": 2, "waiting": 0, "rejected": 0, "readings": 20, "bytes": 900, "tries": 2},
        "signed": "a.b.c",
    }
    assert [item["account"] for item in ask(f"/v1/deliveries?{SPAN}&account=south")["items"]] == ["south"]


def test_deliveries_come_in_pages(ask: Ask) -> None:
    page = ask(f"/v1/deliveries?{SPAN}&limit=2")
    rest = ask(page["next"])
    assert [item["delivery_id"][0] for item in page["items"] + rest["items"]] == ["1", "2", "3"]
    assert rest["next"] is None


def test_of_one_station_its_own_sets_are_counted(ask: Ask) -> None:
    (item,) = ask(f"/v1/deliveries?{SPAN}&station={HUE}")["items"]
    counts = {name: item[name] for name in ("sets", "waiting", "rejected", "readings", "state")}
    assert counts == {"sets": 2, "waiting": 1, "rejected": 1, "readings": 20, "state": "rejected"}


def test_a_key_sees_deliveries_of_its_stations_and_receipts_that_name_no_others(ask: Ask) -> None:
    (item,) = ask(f"/v1/deliveries?{SPAN}", provinces=["48"])["items"]
    assert (item["account"], item["signed"]) == ("south", "a.b.c")
    (item,) = ask(f"/v1/deliveries?{SPAN}", provinces=["01"])["items"]
    assert (item["delivery_id"][0], item["sets"], item["signed"]) == ("1", 4, "")
    (item,) = ask(f"/v1/deliveries?{SPAN}", stations=[DANANG])["items"]
    assert (item["account"], item["signed"]) == ("south", "")
    assert ask(f"/v1/deliveries?{SPAN}", stations=["gone"])["items"] == []


def test_the_lag_is_what_the_ministry_has_not_confirmed_the_oldest_first(ask: Ask) -> None:
    lag = ask("/v1/deliveries/lag")
    assert {name: lag[name] for name in ("files", "readings", "oldest_age_seconds")} == {
        **{"files": 1 + 2 + 4, "readings": 70, "oldest_age_seconds": 4 * 3600 - 60},
    }
    assert [(item["station"], item["files"], item["waiting"], item["refused"]) for item in lag["items"]] == [
        (DANANG, 4, 0, 0),
        (HUE, 2, 10, 10),
        (HANOI, 1, 0, 0),
    ]
    assert lag["items"][1]["oldest_received_at"] == "2026-03-25T04:03:00Z"


def test_a_station_of_which_all_is_confirmed_has_no_lag(ask: Ask) -> None:
    lag = ask("/v1/deliveries/lag?from=2026-03-25T04:00:00Z&to=2026-03-25T04:01:00Z")
    assert (lag["items"], lag["readings"], lag["oldest_age_seconds"]) == ([], 0, None)


def test_the_lag_of_a_key_is_that_of_its_stations(ask: Ask) -> None:
    assert [item["station"] for item in ask("/v1/deliveries/lag", provinces=["01"])["items"]] == [HANOI]
    assert ask("/v1/deliveries/lag", stations=["gone"])["items"] == []
    assert [item["station"] for item in ask("/v1/deliveries/lag?province=46")["items"]] == [HUE]


def test_what_waited_is_confirmed_once_its_station_is_released(
    ask: Ask, clickhouse: ClickHouseSettings
) -> None:
    client = ClickHouse(clickhouse)
    request = {"station": HUE, "province": "46", "account": "north", "version": "v", "state": "approved"}
    request |= {"takes_sets": 1, "reason": "", "decided_by": "", "decided_at": None, "sent_at": NOON}
    request |= {"entry": "{}", "ministry_entry": "", "changed_at": NOON, "released_at": NOON}
    insert(client, "registry_requests", [request])
    assert [item["waiting"] for item in ask("/v1/deliveries/lag?province=46")["items"]] == [10]
    later = {"changed_at": NOON + timedelta(hours=1), "released_at": NOON + timedelta(hours=1)}
    insert(client, "registry_requests", [request | later])
    assert [item["waiting"] for item in ask("/v1/deliveries/lag?province=46")["items"]] == [0]
