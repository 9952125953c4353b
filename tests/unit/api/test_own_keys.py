"""Keys for stations and for accounts: whatever is asked, nothing of others is looked up or answered."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import NOON, account
from quantrac.testing.tables import GivenRows
from schemas.keys import new_key
from schemas.rules import RuleBook
from services.api.app import create_app
from services.api.common.context import Context
from services.api.common.keys import FileScope, Reader
from support.api import RULES, STATIONS

OWN, FOREIGN = "A", "B"
FILE_ID = "0" * 64
KEYS = {
    "station": new_key("vendor", stations=[OWN]),
    "account": new_key("vendor", accounts=["own"]),
}
FILE_ROW = {
    **{"received_at": NOON, "file_id": FILE_ID, "name": "a.txt", "transport": "ftp"},
    **{"format": "", "rules": "", "readings": 0, "rejects": 1},
}


class Question:
    """The API as one key sees it, and what it asked of the tables."""

    def __init__(self, key: str, *answers: list[dict[str, Any]]) -> None:
        token, record = KEYS[key]
        self.tables = GivenRows(*answers)
        registry = Registry(
            {station.code: station for station in STATIONS},
            accounts={
                "own": account("own", stations=[OWN]),
                "foreign": account("foreign", stations=[FOREIGN]),
            },
            api_keys={record.id: record.to_domain()},
        )
        book = RuleBook(RULES, registry)
        context = Context(self.tables, registry, book, LimitBook(()), lambda: True, lambda: NOON)
        self.client = TestClient(create_app(context), headers={"X-Api-Key": token})
        self.registry = registry


def operations() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and description of every operation under a key."""
    document = Question("station").client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        if path.startswith("/v1/"):
            assert list(methods) == ["get"], path
            yield path, methods["get"]


OPERATIONS = dict(operations())


def address(path: str, operation: Mapping[str, Any], station: str, *, optional: bool) -> str:
    """Return an address that asks for a station; where it may stay away, only with ``optional``."""
    names = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
    values = {"station": station, "parameter": "PM2.5", "measured_at": "2026-03-25T05:00:00Z"}
    query = [
        f"{name}={value}"
        for name, value in values.items()
        if name in names and (names[name].get("required") or (optional and name == "station"))
    ]
    return path.format(code=station, file_id=FILE_ID) + (f"?{'&'.join(query)}" if query else "")


def is_own(parameters: Mapping[str, Any]) -> bool:
    """Tell whether a statement asks for rows of the own station, or of a file, of which rows are chosen."""
    if "station" in parameters:
        return bool(parameters["station"] == OWN)
    if "stations" not in parameters:
        return set(parameters) == {"file_id"}
    stations = set(parameters["stations"])
    is_of_own_account = parameters.get("all_accounts", 0) == 0 and set(parameters.get("accounts", [])) <= {
        "own"
    }
    return not parameters.get("all_stations", 0) and stations <= {OWN, ""} and is_of_own_account


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("is_named", [True, False])
def test_every_operation_looks_up_the_own_station_only(path: str, key: str, is_named: bool) -> None:
    question = Question(key)
    answer = question.client.get(address(path, OPERATIONS[path], OWN, optional=is_named))
    assert answer.status_code in (200, 404), answer.text
    assert [parameters for parameters in question.tables.asked if not is_own(parameters)] == []
    assert f'"{FOREIGN}"' not in answer.text


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", [path for path in OPERATIONS if "{file_id}" not in path])
def test_no_operation_knows_the_station_of_others(path: str, key: str) -> None:
    named = address(path, OPERATIONS[path], FOREIGN, optional=True)
    if FOREIGN not in named.split("/v1/")[1]:
        return  # it lists what the key may read, and takes no station
    question = Question(key)
    answer = question.client.get(named)
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs#unknown-station")
    assert question.tables.asked == []


@pytest.mark.parametrize("path", ["/v1/files/{file_id}", "/v1/files/{file_id}/content"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("station", "sender"), [(FOREIGN, "foreign"), ("", "foreign"), (FOREIGN, "own"), ("D", "own")]
)
def test_a_file_of_others_does_not_exist_whoever_asks_by_its_id(
    path: str, key: str, station: str, sender: str
) -> None:
    question = Question(key, [{**FILE_ROW, "station": station, "account": sender}])
    assert question.client.get(path.format(file_id=FILE_ID)).status_code == 404
    assert len(question.tables.asked) == 1


def test_a_file_of_no_station_is_shown_to_the_account_that_sent_it_and_to_no_key_of_a_station() -> None:
    row = {**FILE_ROW, "station": "", "account": "own"}
    assert Question("account", [row]).client.get(f"/v1/files/{FILE_ID}").status_code == 200
    assert Question("station", [row]).client.get(f"/v1/files/{FILE_ID}").status_code == 404


def test_of_a_file_that_two_sent_only_the_own_reception_counts() -> None:
    rows = [{**FILE_ROW, "station": code, "account": name} for code, name in (("B", "foreign"), ("A", "own"))]
    question = Question("station", rows, [{"name": "a.txt", "encoded": "YQ=="}])
    assert question.client.get(f"/v1/files/{FILE_ID}/content").content == b"a"
    assert question.tables.asked[1]["senders"] == ["A", "own"]


def test_an_account_that_has_ended_or_is_gone_gives_its_key_nothing() -> None:
    question = Question("account")
    assert [s["code"] for s in question.client.get("/v1/stations").json()["items"]] == [OWN]
    question.registry.accounts["own"] = account("own", stations=[OWN], valid_to=NOON)
    assert question.client.get("/v1/stations").json()["items"] == []
    del question.registry.accounts["own"]
    assert question.client.get(f"/v1/stations/{OWN}").status_code == 404


def test_a_key_reads_what_its_account_may_send_for_now() -> None:
    question = Question("account")
    question.registry.accounts["own"] = account("own", stations=["C"])
    assert [s["code"] for s in question.client.get("/v1/stations").json()["items"]] == ["C"]


def test_the_scope_of_files_of_each_kind_of_key() -> None:
    stations = {station.code: station for station in STATIONS}

    def reader(**scope: Any) -> Reader:
        key = new_key("a", **scope)[1].to_domain()
        return Reader(key, stations, [account(name, stations=[OWN]) for name in key.accounts])

    assert reader().file_scope(None) == FileScope(None, None)
    assert reader().file_scope(None, unassigned=True) == FileScope([""], None)
    assert reader(provinces=["48"]).file_scope(None) == FileScope(["B"], [])
    assert reader(provinces=["48"]).file_scope(None, unassigned=True) == FileScope([], [])
    assert reader(stations=["A", "gone"]).file_scope(None) == FileScope(["A"], [])
    assert reader(accounts=["own"]).file_scope(None) == FileScope(["A", ""], ["own"])
    assert reader(accounts=["own"]).file_scope("A") == FileScope(["A"], ["own"])
    assert reader(accounts=["own"]).file_scope(None, unassigned=True) == FileScope([""], ["own"])


def test_a_receipt_which_speaks_of_other_stations_too_is_for_keys_of_the_whole_province() -> None:
    def reader(**scope: Any) -> Reader:
        return Reader(new_key("a", **scope)[1].to_domain(), {station.code: station for station in STATIONS})

    assert reader().can_read_province("48")
    assert reader(provinces=["48"]).can_read_province("48")
    assert not reader(provinces=["48"]).can_read_province("01")
    assert not reader(stations=["B"]).can_read_province("48")
    assert not reader(accounts=["own"]).can_read_province("48")


def test_a_key_is_for_provinces_or_for_stations_and_accounts() -> None:
    assert new_key("a", stations=["A"], accounts=["own"])[1].accounts == ("own",)
    for scope in ({"stations": ["A"]}, {"accounts": ["own"]}):
        with pytest.raises(ValueError, match="a key is for provinces, or for stations and accounts"):
            new_key("a", provinces=["01"], **scope)
