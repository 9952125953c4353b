"""What the ministry answers to the entries that provinces post, and what a decision of a person changes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from quantrac.testing.builders import station
from schemas.messages.registry.stations import Station
from schemas.registry_requests import entry_version
from services.receiver.requests.entries import LARGEST_ENTRY_BYTES, BadPost, TooManyEntries
from services.receiver.requests.handler import MOST_REQUESTS, BrokerAway, NoProvinces
from support.ministry_requests import HANOI, MinistryBench, entry


@pytest.fixture
def bench() -> MinistryBench:
    return MinistryBench()


def test_an_entry_waits_until_a_person_has_decided(bench: MinistryBench) -> None:
    (answer,) = bench.post(entry())
    assert (answer.position, answer.station, answer.state, answer.reason) == (1, "A", "waiting", "")
    assert answer.version == entry_version(Station.model_validate(entry()))
    request = bench.request()
    assert (request.account, request.province, request.takes_sets) == ("hanoi", "01", False)
    assert request.entry == Station.model_validate(entry())
    assert "A" not in bench.registry.stations


def test_the_same_entry_again_changes_nothing(bench: MinistryBench) -> None:
    first = bench.handler.post(HANOI, json.dumps({"entries": [entry()]}).encode())
    again = bench.handler.post(HANOI, json.dumps({"entries": [entry(timezone="Asia/Ho_Chi_Minh")]}).encode())
    assert again == first
    assert len(bench.broker.records("registry-request")) == 1


def test_an_approved_entry_is_in_the_ministrys_registry(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True, reason="as agreed")
    bench.round()
    assert bench.registry.takes_sets("A")
    request = bench.request()
    assert (request.state, request.reason, request.decided_by) == ("approved", "as agreed", "lan")
    assert (request.takes_sets, request.ministry_entry) == (True, None)
    assert bench.states(entry()) == [("approved", "as agreed")]


def test_a_rejected_entry_is_answered_with_the_reason(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=False, reason="no licence")
    bench.round()
    assert bench.states(entry()) == [("rejected", "no licence")]
    assert bench.table.keeps_sets("A")


def test_a_change_waits_while_the_entry_approved_before_holds(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.round()
    assert bench.states(entry(interval_minutes=15)) == [("waiting", "")]
    request = bench.request()
    assert request.takes_sets
    assert request.ministry_entry == Station.model_validate(entry())
    assert bench.registry.stations["A"].interval_seconds == 300
    bench.decide(approved=False, reason="measure every five minutes")
    bench.round()
    assert bench.request().state == "rejected"
    assert bench.registry.takes_sets("A")
    assert not bench.table.keeps_sets("A")


def test_the_return_to_the_entry_that_holds_needs_no_decision(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.round()
    bench.post(entry(interval_minutes=15))
    bench.decide(approved=False, reason="no")
    bench.round()
    assert bench.states(entry()) == [("approved", "the ministry's registry has this entry")]


def test_a_withdrawn_approval_keeps_further_sets_and_the_stored_entry(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.round()
    bench.decide(approved=False, reason="the licence has ended")
    bench.round()
    assert "A" in bench.registry.stations
    assert bench.table.keeps_sets("A")
    assert (bench.request().state, bench.request().takes_sets) == ("rejected", False)


def test_a_station_that_the_ministry_has_registered_itself_goes_on_while_its_request_waits(
    bench: MinistryBench,
) -> None:
    own = Station.model_validate(entry(name="Hồ Gươm"))
    bench.register(own)
    bench.follow_topics()
    assert bench.states(entry()) == [("waiting", "")]
    assert bench.registry.takes_sets("A")
    assert bench.request().ministry_entry == own
    assert bench.states(entry(name="Hồ Gươm")) == [("approved", "the ministry's registry has this entry")]


def test_what_the_ministry_changes_comes_back_with_the_request(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.round()
    before = bench.table.version_for(HANOI)
    changed = Station.model_validate(entry(name="Another name"))
    bench.register(changed)
    bench.round()
    assert bench.request().ministry_entry == changed
    assert bench.request().state == "approved"
    assert bench.table.version_for(HANOI) != before


def test_a_station_taken_out_of_the_ministrys_registry_waits_for_a_decision(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.round()
    bench.table.apply_registry(b"station/A", None)
    bench.keeper.step()
    assert bench.request().state == "waiting"
    assert bench.table.keeps_sets("A")


def test_a_province_that_is_approved_automatically_needs_no_person() -> None:
    bench = MinistryBench(automatic=["01"])
    assert bench.states(entry()) == [("approved", "")]
    assert bench.registry.takes_sets("A")
    assert bench.request().decided_by == "automatic approval"
    assert bench.states(entry(interval_minutes=15)) == [("approved", "")]
    assert bench.registry.stations["A"].interval_seconds == 900


def test_a_persons_rejection_ends_automatic_approval() -> None:
    bench = MinistryBench(automatic=["01"])
    bench.post(entry())
    bench.decide(approved=False, reason="the licence has ended")
    bench.round()
    assert bench.states(entry(interval_minutes=15)) == [("waiting", "")]
    assert bench.table.keeps_sets("A")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"province": "48"}, "account hanoi may not deliver for province 48, where station B is"),
        ({"latitude": "north"}, "latitude: Input should be a valid number"),
        ({"lattitude": 21.0}, "lattitude: unknown key; did you mean 'latitude'?"),
        ({"province": "99"}, "province: '99' is no province of today"),
        (
            {"parameters": [{"code": "PM2.5", "unit": "°C"}]},
            "parameters.1.unit: PM2.5 cannot be in '°C'",
        ),
        (
            {"permits": [{"standard": "QCVN 1:1900/BTNMT"}]},
            "permits.1: unknown standard 'QCVN 1:1900/BTNMT'",
        ),
        ({"name": "x" * LARGEST_ENTRY_BYTES}, "the entry has "),
    ],
)
def test_an_entry_that_cannot_be_asked_for_is_rejected_alone(
    bench: MinistryBench, fields: dict[str, Any], reason: str
) -> None:
    first, second, third = bench.post(entry("A"), entry("B", **fields), entry("C"))
    assert [first.state, second.state, third.state] == ["waiting", "rejected", "waiting"]
    assert second.reason.startswith(reason)
    assert (second.station, second.version) == ("B", "")
    assert bench.table.get("B") is None


@pytest.mark.parametrize("value", ["null", "7", '"A"', "[]", "{}", "[" * 50 + "]" * 50])
def test_an_entry_that_is_no_station_is_rejected_alone(bench: MinistryBench, value: str) -> None:
    body = f'{{"entries": [{value}, {json.dumps(entry())}]}}'.encode()
    first, second = bench.handler.post(HANOI, body).entries
    assert (first.state, first.station, second.state) == ("rejected", "", "waiting")
    assert first.reason


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"entries": {}}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_list_of_entries_is_refused(bench: MinistryBench, body: bytes) -> None:
    with pytest.raises(BadPost, match="no JSON object with a list `entries`"):
        bench.handler.post(HANOI, body)


def test_too_many_entries_are_refused(bench: MinistryBench) -> None:
    body = b'{"entries": [' + b",".join([b"{}"] * 1_001) + b"]}"
    with pytest.raises(TooManyEntries, match="a post may hold 1000 entries, this one has 1001"):
        bench.handler.post(HANOI, body)


def test_no_province_takes_the_code_of_anothers_station(bench: MinistryBench) -> None:
    danang = replace(HANOI, name="danang", provinces=("48",))
    bench.registry.put_station("OURS", station("OURS", province="48"))
    bench.post(entry("ASKED", province="48"), account=danang)
    assert bench.states(entry("OURS"), entry("ASKED")) == [
        ("rejected", "account hanoi may not deliver for province 48, where station OURS is"),
        ("rejected", "account hanoi may not deliver for province 48, where station ASKED is"),
    ]


def test_an_account_that_is_narrowed_to_stations_asks_for_these_alone(bench: MinistryBench) -> None:
    narrow = replace(HANOI, stations=("A",))
    assert bench.states(entry("A"), entry("B"), account=narrow) == [
        ("waiting", ""),
        ("rejected", "account hanoi may not deliver for station B"),
    ]


def test_a_station_stands_once_in_a_post(bench: MinistryBench) -> None:
    assert bench.states(entry(), entry(name="other")) == [
        ("waiting", ""),
        ("rejected", "station A stands in this post already"),
    ]


def test_an_account_has_a_bounded_number_of_requests(
    bench: MinistryBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.receiver.requests.handler.MOST_REQUESTS", 2)
    assert [state for state, _ in bench.states(entry("A"), entry("B"), entry("C"))] == [
        "waiting",
        "waiting",
        "rejected",
    ]
    assert bench.states(entry("A", name="new")) == [("waiting", "")]
    assert MOST_REQUESTS >= 2_000


def test_an_account_that_names_no_province_is_refused(bench: MinistryBench) -> None:
    with pytest.raises(NoProvinces, match="account hanoi names no province"):
        bench.post(entry(), account=replace(HANOI, provinces=()))
    with pytest.raises(NoProvinces):
        bench.handler.list_requests(replace(HANOI, provinces=()))


def test_a_broker_that_is_away_leaves_no_request(bench: MinistryBench) -> None:
    bench.broker.away = True
    with pytest.raises(BrokerAway, match="the broker did not confirm the requests"):
        bench.post(entry())
    assert bench.table.get("A") is None
    bench.broker.away = False
    assert bench.states(entry()) == [("waiting", "")]


def test_the_list_holds_the_accounts_requests_and_a_version_that_follows_them(bench: MinistryBench) -> None:
    danang = replace(HANOI, name="danang", provinces=("48",))
    bench.post(entry("B"), entry("A"))
    bench.post(entry("FAR", province="48"), account=danang)
    answer = bench.handler.list_requests(HANOI)
    assert [request.station for request in answer.requests] == ["A", "B"]
    assert answer.registry_version == bench.table.version_for(HANOI)
    bench.post(entry("FAR", province="48", name="new"), account=danang)
    assert bench.table.version_for(HANOI) == answer.registry_version
    bench.decide("B", approved=True)
    bench.round()
    assert bench.table.version_for(HANOI) != answer.registry_version


def test_the_table_is_the_same_after_a_restart(bench: MinistryBench) -> None:
    bench.post(entry("A"), entry("B"))
    bench.decide(approved=True)
    bench.round()
    restarted = MinistryBench(broker=bench.broker)
    assert restarted.handler.list_requests(HANOI) == bench.handler.list_requests(HANOI)
    written = len(bench.broker.records("registry-request"))
    restarted.round()
    assert len(bench.broker.records("registry-request")) == written


def test_a_decision_that_is_read_again_after_a_later_one_changes_nothing(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.decide(approved=True)
    bench.decide(approved=False, reason="the licence has ended")
    bench.round()
    first, *_ = [r for r in bench.broker.records("station-registry") if r.key == b"approval/A"]
    bench.table.apply_registry(first.key, first.value)
    assert bench.table.keeps_sets("A")
