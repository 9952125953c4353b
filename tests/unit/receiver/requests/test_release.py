"""Sets of stations that are not approved yet: kept, and released once they are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.deliveries import DeliveryReceipt
from services.receiver.requests.keeper import UNDER_WAY
from support.ministry_requests import HANOI, MinistryBench, entry


@pytest.fixture
def bench() -> MinistryBench:
    return MinistryBench()


def test_sets_flow_by_themselves_once_their_station_is_approved(bench: MinistryBench) -> None:
    bench.post(entry("A"), entry("B"))
    for number in range(3):
        assert bench.deliver("A", f"a{number}") == "unapproved-set"
        assert bench.deliver("B", f"b{number}") == "unapproved-set"
    bench.round()
    assert bench.broker.records("qa-flagged") == []
    bench.decide("A", approved=True)
    bench.round()
    assert bench.flagged("A") == ["a0", "a1", "a2"]
    assert bench.flagged("B") == []
    assert bench.deliver("A", "a3") == "qa-flagged"


def test_a_released_set_is_the_message_that_was_kept(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=True)
    bench.round()
    (kept,), (released,) = (bench.broker.records(topic) for topic in ("unapproved-set", "qa-flagged"))
    assert (released.key, released.value, released.headers) == (kept.key, kept.value, kept.headers)


def test_the_request_says_what_waits_no_longer(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=True)
    decided_at = bench.now
    bench.round()
    request = bench.request()
    (kept,) = bench.broker.records("unapproved-set")
    assert request.released_offset == kept.offset + 1
    assert request.released_at is not None
    assert decided_at + UNDER_WAY < request.released_at <= bench.now + UNDER_WAY
    bench.post(entry(name="new"))
    assert bench.request().released_offset == kept.offset + 1


def test_what_was_released_is_not_released_again_after_a_restart(bench: MinistryBench) -> None:
    bench.post(entry("A"), entry("B"))
    bench.deliver("A", "a")
    bench.deliver("B", "b")
    bench.decide("A", approved=True)
    bench.round()
    restarted = MinistryBench(broker=bench.broker)
    restarted.round()
    assert restarted.flagged("A") == ["a"]
    restarted.decide("B", approved=True)
    restarted.round()
    assert (restarted.flagged("A"), restarted.flagged("B")) == (["a"], ["b"])


def test_a_set_that_was_under_way_when_its_station_was_approved_is_released_too(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=True)
    bench.round()
    (first,) = bench.broker.records("unapproved-set")
    bench.writes.write([Record("unapproved-set", b"A", first.value)])
    bench.round()
    assert bench.flagged("A") == ["a", "a"]


def test_a_rejected_stations_sets_are_kept_and_flow_after_all_once_it_is_approved(
    bench: MinistryBench,
) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=False, reason="no licence")
    bench.round()
    assert bench.deliver("A", "b") == "unapproved-set"
    bench.round()
    assert bench.flagged("A") == []
    bench.decide(approved=True)
    bench.round()
    assert bench.flagged("A") == ["a", "b"]


def test_sets_wait_again_after_a_withdrawal(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=True)
    bench.round()
    bench.decide(approved=False, reason="the licence has ended")
    bench.round()
    assert bench.deliver("A", "b") == "unapproved-set"
    bench.round()
    assert bench.flagged("A") == ["a"]
    request = bench.request()
    assert request.released_at is not None
    assert request.decided_at is not None
    assert request.released_at <= request.decided_at < bench.receipts[-1].received_at
    bench.decide(approved=True)
    bench.round()
    assert bench.flagged("A") == ["a", "b"]


def test_a_broker_that_fails_during_a_release_releases_again(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    bench.decide(approved=True)
    bench.follow_topics()
    bench.broker.failing = "no leader"
    with pytest.raises(DeliveryFailed):
        bench.keeper.step()
    bench.broker.failing = None
    bench.keeper.step()
    assert bench.flagged("A") == ["a"]
    assert bench.request().state == "approved"


def test_many_sets_are_released_in_bounded_batches(
    bench: MinistryBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.receiver.requests.keeper._BATCH", 2)
    monkeypatch.setattr("services.receiver.requests.keeper._BATCH_BYTES", 1)
    bench.post(entry())
    for number in range(5):
        bench.deliver("A", f"{number}")
    bench.decide(approved=True)
    bench.round()
    assert bench.flagged("A") == ["0", "1", "2", "3", "4"]


def test_a_set_of_a_station_that_nobody_asked_for_is_rejected_as_before(bench: MinistryBench) -> None:
    assert bench.deliver("A", "a") == ""
    assert bench.receipts[0].rejected[0].reason == "station A is not in the ministry's registry"


def test_the_receipt_names_the_lines_that_wait_and_the_version_of_the_registry(bench: MinistryBench) -> None:
    bench.post(entry())
    bench.deliver("A", "a")
    (receipt,) = bench.receipts
    assert (receipt.accepted, receipt.waiting, receipt.rejected) == (1, [1], [])
    assert receipt.registry_version == bench.table.version_for(HANOI) != ""
    (copy,) = bench.broker.records("delivery-receipt")
    (file,) = DeliveryReceipt.model_validate_json(copy.value or b"").files
    assert file.waiting


def test_another_provinces_account_delivers_no_set_of_a_station_that_waits(bench: MinistryBench) -> None:
    bench.post(entry())
    assert bench.deliver("A", "a", account=replace(HANOI, name="danang", provinces=("48",))) == ""
    assert bench.receipts[0].rejected[0].reason == (
        "account danang may not deliver for province 01, where station A is"
    )
    assert bench.broker.records("unapproved-set") == []


CODES = ("A", "B", "C")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.sampled_from(CODES), st.sampled_from([5, 15])),
        st.tuples(st.just("deliver"), st.sampled_from(CODES), st.integers(0, 99)),
        st.tuples(st.just("decide"), st.sampled_from(CODES), st.booleans()),
        st.tuples(st.just("round"), st.just("A"), st.just(0)),
        st.tuples(st.just("restart"), st.just("A"), st.just(0)),
    ),
    max_size=40,
)


@given(steps=STEPS, final=st.fixed_dictionaries({code: st.booleans() for code in CODES}))
def test_any_order_ends_with_all_sets_of_approved_stations_and_none_of_others(
    steps: list[tuple[str, str, int]], final: dict[str, bool]
) -> None:
    bench = MinistryBench()
    acknowledged: dict[str, set[str]] = {code: set() for code in CODES}
    ever_taken: set[str] = set()

    def decide(code: str, approved: bool) -> None:
        if bench.table.get(code) is not None:
            bench.decide(code, approved=approved)
            bench.follow_topics()

    for action, code, argument in steps:
        match action:
            case "post":
                bench.post(entry(code, interval_minutes=argument))
            case "deliver":
                if bench.deliver(code, f"{argument}"):
                    acknowledged[code].add(f"{argument}")
            case "decide":
                decide(code, bool(argument))
            case "round":
                bench.round()
            case "restart":
                bench = MinistryBench(broker=bench.broker)
        ever_taken |= {code for code in CODES if bench.registry.takes_sets(code)}
    for code, approved in final.items():
        decide(code, approved)
        ever_taken |= {code} if bench.registry.takes_sets(code) else set()
    bench.round()
    for code in CODES:
        if bench.registry.takes_sets(code):
            assert set(bench.flagged(code)) == acknowledged[code]
        elif code not in ever_taken:
            assert bench.flagged(code) == []
        else:
            assert set(bench.flagged(code)) <= acknowledged[code]
