"""How a province's entries come to the ministry, and what it keeps of the answers."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.registry.approvals import RequestState
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import (
    EntryAnswer,
    RegistryAnswer,
    RegistryRequest,
    RegistryRequests,
    RequestStatus,
)
from schemas.registry_requests import entry_version, registry_version
from services.forwarder.backoff import Backoff
from services.forwarder.ministry import DeliveryRefused, MinistryAway
from services.forwarder.registry.entries import Entries, Entry
from services.forwarder.registry.sync import (
    ASK_SECONDS,
    MOST_BYTES,
    MOST_ENTRIES,
    RegistrySync,
    cut_posts,
)
from support.ministry_requests import entry
from support.waiting import LIMIT


class FakeMinistry:
    """Keeps requests; an entry of another province than 01 is none."""

    def __init__(self) -> None:
        self.requests: dict[str, RequestStatus] = {}
        self.posts: list[list[str]] = []
        self.asked = 0
        self.error: Exception | None = None
        self.now = NOON

    def post_entries(self, entries: Sequence[bytes]) -> RegistryAnswer:
        if self.error is not None:
            raise self.error
        stations = [Station.model_validate_json(content) for content in entries]
        self.posts.append([station.code for station in stations])
        answers = []
        for position, station in enumerate(stations, start=1):
            fields: dict[str, Any] = {"position": position, "station": station.code, "reason": ""}
            if station.province != "01":
                fields |= {"version": "", "state": "rejected", "reason": "another province"}
            else:
                self.set(station.code, entry_version(station))
                fields |= {"version": entry_version(station), "state": "waiting"}
            answers.append(EntryAnswer(**fields))
        return RegistryAnswer(registry_version=self.version, entries=answers)

    def list_requests(self, known_version: str) -> RegistryRequests | None:
        if self.error is not None:
            raise self.error
        self.asked += 1
        if known_version == self.version:
            return None
        return RegistryRequests(registry_version=self.version, requests=list(self.requests.values()))

    def set(self, code: str, version: str, **fields: Any) -> None:
        self.now += timedelta(minutes=1)
        self.requests[code] = RequestStatus(
            **{"station": code, "province": "01", "account": "hanoi", "version": version},
            **{"state": "waiting", "takes_sets": False, "sent_at": NOON, "changed_at": self.now} | fields,
        )

    def decide(self, code: str, **fields: Any) -> None:
        self.set(code, self.requests[code].version, decided_at=self.now, decided_by="lan", **fields)

    @property
    def version(self) -> str:
        return registry_version(self.requests.values())


class Bench:
    def __init__(self, broker: FakeBroker | None = None, ministry: FakeMinistry | None = None) -> None:
        self.broker, self.ministry = broker or FakeBroker(partitions=1), ministry or FakeMinistry()
        self.time, self.now = 0.0, NOON
        self.entries = Entries("hanoi", self.clock)
        for record in self.broker.records("registry-request"):
            self.entries.apply_request(record.key, record.value)
        self.sync = RegistrySync(
            entries=self.entries,
            ministry=self.ministry,
            producer=self.broker.producer(),
            topic="registry-request",
            backoff=Backoff(lambda low, high: high),
            monotonic=lambda: self.time,
        )

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def register(self, *codes: str, **fields: Any) -> None:
        for code in codes:
            value = Station.model_validate(entry(code, **fields)).model_dump_json().encode()
            self.entries.apply_registry(f"station/{code}".encode(), value)

    def request(self, code: str = "A") -> RegistryRequest:
        values = [
            r.value for r in self.broker.records("registry-request") if r.key == f"station/{code}".encode()
        ]
        return RegistryRequest.model_validate_json(values[-1] or b"")

    @property
    def written(self) -> int:
        return len(self.broker.records("registry-request"))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_all_entries_are_posted_once_and_their_states_are_kept(bench: Bench) -> None:
    bench.register("B", "A")
    assert bench.sync.step() == ASK_SECONDS
    bench.sync.step()
    assert bench.ministry.posts == [["A", "B"]]
    request = bench.request("A")
    assert (request.state, request.account, request.province) == ("waiting", "hanoi", "01")
    assert request.entry == Station.model_validate(entry("A"))
    assert bench.written == 2


def test_what_is_posted_leaves_out_what_an_older_ministry_need_not_know(bench: Bench) -> None:
    bench.register("A")
    (due,) = bench.entries.list_due()
    assert b"encoding" not in due.content
    assert Station.model_validate_json(due.content) == Station.model_validate(entry("A"))


def test_an_entry_that_changed_alone_is_posted_again(bench: Bench) -> None:
    bench.register("A", "B")
    bench.sync.step()
    bench.register("B", interval_minutes=15)
    bench.register("A")
    bench.sync.step()
    assert bench.ministry.posts == [["A", "B"], ["B"]]
    assert bench.request("B").entry.interval_minutes == 15


def test_a_restart_posts_nothing_that_was_answered(bench: Bench) -> None:
    bench.register("A")
    bench.sync.step()
    restarted = Bench(bench.broker, bench.ministry)
    restarted.register("A")
    assert restarted.entries.are_answered(["A"])
    restarted.sync.step()
    assert restarted.ministry.posts == [["A"]]
    assert restarted.written == 1


def test_a_decision_comes_back_when_a_receipt_says_that_something_changed(bench: Bench) -> None:
    bench.register("A")
    bench.sync.step()
    asked = bench.ministry.asked
    bench.sync.note_version(bench.ministry.version)
    bench.sync.step()
    assert bench.ministry.asked == asked
    bench.ministry.decide("A", state="approved", takes_sets=True, reason="as agreed")
    bench.sync.note_version(bench.ministry.version)
    bench.sync.step()
    request = bench.request()
    assert (request.state, request.takes_sets, request.decided_by) == ("approved", True, "lan")


def test_the_ministry_is_asked_every_five_minutes_all_the_same(bench: Bench) -> None:
    bench.register("A")
    bench.sync.step()
    own = Station.model_validate(entry("A", name="Another name"))
    bench.ministry.decide("A", state="approved", takes_sets=True, ministry_entry=own)
    bench.time = ASK_SECONDS - 1
    bench.sync.step()
    assert bench.request().state == "waiting"
    bench.time = ASK_SECONDS
    bench.sync.step()
    assert bench.request().ministry_entry == own
    written = bench.written
    bench.time = 2 * ASK_SECONDS
    bench.sync.step()
    assert bench.written == written


def test_an_entry_that_is_no_request_there_is_kept_with_the_reason(bench: Bench) -> None:
    bench.register("A")
    bench.register("FAR", province="48")
    for _ in range(3):
        bench.time += ASK_SECONDS
        assert bench.sync.step() == ASK_SECONDS
    assert bench.ministry.posts == [["A", "FAR"]]
    request = bench.request("FAR")
    assert (request.state, request.reason, request.decided_at) == ("rejected", "another province", None)
    bench.time += 3_600
    bench.sync.step()
    assert bench.ministry.posts == [["A", "FAR"], ["FAR"]]
    assert bench.written == 2


def test_a_ministry_that_has_lost_a_request_gets_it_again(bench: Bench) -> None:
    bench.register("A", "B")
    bench.sync.step()
    del bench.ministry.requests["B"]
    bench.time += ASK_SECONDS
    assert bench.sync.step() < ASK_SECONDS
    bench.sync.step()
    assert bench.ministry.posts == [["A", "B"], ["B"]]


def test_a_ministry_that_reckons_versions_otherwise_is_posted_to_once(bench: Bench) -> None:
    bench.register("A")
    post = bench.ministry.post_entries

    def post_otherwise(entries: Sequence[bytes]) -> RegistryAnswer:
        answer = post(entries)
        bench.ministry.set("A", "f" * 64)
        first = answer.entries[0].model_copy(update={"version": "f" * 64})
        return answer.model_copy(update={"entries": [first]})

    bench.ministry.post_entries = post_otherwise  # type: ignore[method-assign]
    for _ in range(3):
        bench.time += ASK_SECONDS
        assert bench.sync.step() == ASK_SECONDS
    assert bench.ministry.posts == [["A"]]
    assert bench.request().version == "f" * 64


def test_a_ministry_that_is_away_gets_everything_later(bench: Bench) -> None:
    bench.register("A")
    bench.ministry.error = MinistryAway("no answer", 5.0)
    assert bench.sync.step() == 6.0
    assert bench.sync.step() == 7.0
    assert not bench.entries.are_answered(["A"])
    bench.ministry.error = None
    bench.sync.step()
    assert bench.entries.are_answered(["A"])


def test_a_broker_that_is_away_costs_no_answer(bench: Bench) -> None:
    bench.register("A")
    bench.broker.away = True
    bench.sync.step()
    assert bench.written == 0
    bench.broker.away = False
    bench.sync.step()
    assert bench.request().state == "waiting"
    assert bench.ministry.posts == [["A"]]


def test_an_answer_to_another_post_is_no_answer(bench: Bench) -> None:
    bench.register("A")
    bench.ministry.post_entries = lambda _: RegistryAnswer(  # type: ignore[method-assign]
        registry_version="", entries=[]
    )
    bench.sync.step()
    assert not bench.entries.are_answered(["A"])


def test_a_station_that_is_no_longer_registered_is_not_due(bench: Bench) -> None:
    bench.register("A")
    bench.entries.apply_registry(b"station/A", None)
    assert bench.entries.list_due() == []
    assert bench.entries.are_answered(["A", "UNKNOWN"])


def test_posts_are_bounded_in_number_and_size() -> None:
    small = [Entry(f"S{n}", "01", "", b"x") for n in range(MOST_ENTRIES + 1)]
    assert [len(post) for post in cut_posts(small)] == [MOST_ENTRIES, 1]
    large = [Entry("L", "01", "", b"x" * MOST_BYTES)]
    assert [len(post) for post in cut_posts([*small[:2], *large, *small[:1]])] == [2, 1, 1]
    assert list(cut_posts([])) == []


def test_a_delivery_waits_until_its_stations_entries_are_answered(bench: Bench) -> None:
    bench.register("A")
    entered, finished = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        bench.sync.wait_for(["A"])
        finished.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert entered.wait(LIMIT)
    assert not finished.wait(0.2)
    bench.sync.step()
    assert finished.wait(LIMIT)
    thread.join()
    bench.sync.wait_for(["A", "UNKNOWN"])


def test_a_delivery_is_put_off_while_the_ministry_answers_no_posts(bench: Bench) -> None:
    bench.register("A")
    bench.ministry.error = MinistryAway("no answer")
    stop = threading.Event()
    thread = threading.Thread(target=bench.sync.run, args=(stop,))
    thread.start()
    try:
        with pytest.raises(MinistryAway, match="the stations' entries go first: no answer"):
            bench.sync.wait_for(["A"])
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("status", [404, 401])
def test_a_delivery_does_not_wait_for_a_ministry_that_refuses_posts(bench: Bench, status: int) -> None:
    bench.register("A")
    bench.ministry.error = DeliveryRefused(status, "because")
    bench.sync.step()
    bench.sync.wait_for(["A"])


def test_a_delivery_waits_no_longer_than_ten_minutes_for_posts_that_fail(bench: Bench) -> None:
    bench.register("A")
    bench.ministry.error = MinistryAway("500")
    bench.sync.step()
    bench.time += 601
    bench.sync.wait_for(["A"])


def test_states_are_those_of_the_contract() -> None:
    assert [state.value for state in RequestState] == ["waiting", "approved", "rejected"]
