"""The forwarder's two lanes against the ministry's real door, with a network between them that misbehaves."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.registry.registry import Registry
from quantrac.io.content_encoding import decompress
from quantrac.testing.builders import NOON, account, station
from quantrac.testing.builders import registry as registry_of
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.ministry_keys import MinistryKeys
from services.forwarder.verification import VerifiedMinistry
from support.faulty_proxy import (
    CUT,
    DROP,
    NONSENSE,
    REPEAT,
    Choose,
    Fault,
    FaultyProxy,
    at_random,
    delay,
    faulty_proxy,
    in_turn,
    never,
    slow,
    status,
)
from support.forwarder import Lanes, flagged_file, record
from support.ministry_server import MinistryServer
from support.tls import Pair
from support.waiting import LIMIT

OLD = NOON - timedelta(days=1)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_of(
        [station(code) for code in ("A", "B", "C")],
        [account("hanoi", role="province", stations=(), provinces=("01",))],
    )


@pytest.fixture
def down(tmp_path: Path, registry: Registry) -> MinistryServer:
    return MinistryServer(tmp_path, registry)


@pytest.fixture
def ministry(down: MinistryServer) -> Iterator[MinistryServer]:
    down.start()
    yield down
    down.stop()


@contextmanager
def lanes_to(url: str, folder: Path) -> Iterator[Lanes]:
    """Lanes that send to an address, whoever listens there."""
    client = HttpMinistry(url, "hanoi", "secret")
    keys = MinistryKeys(folder / "ministry-keys.json", client.fetch_keys)
    lanes = Lanes(VerifiedMinistry(client, keys))
    yield lanes
    for sender in lanes.senders:
        sender.close()
    client.close()


@contextmanager
def through(ministry: MinistryServer, choose: Choose) -> Iterator[tuple[Lanes, FaultyProxy]]:
    with faulty_proxy(ministry.url, choose) as proxy, lanes_to(proxy.url, ministry.folder) as lanes:
        yield lanes, proxy


def fresh(lanes: Lanes, name: str, code: str = "A", partition: int = 0) -> None:
    lanes.put(record(flagged_file(code, name, at=lanes.now), partition=partition, at=lanes.now))


def work_off(lanes: Lanes, rounds: int = 100) -> None:
    """Let both lanes work, and time pass, until neither has anything left to do."""
    for _ in range(rounds):
        busy = lanes.try_present() + lanes.try_backlog()
        if not busy and is_empty(lanes):
            return
        lanes.pass_time(30)
    raise AssertionError(f"not done after {rounds} rounds")


def is_empty(lanes: Lanes) -> bool:
    topics = {"forwarder.forward": "qa-flagged", "forwarder.backlog": "late-range"}
    return all(lanes.broker.committed(g, t) == len(lanes.broker.records(t)) for g, t in topics.items())


def ids(*names: str) -> list[str]:
    return [file_id(name.encode()) for name in names]


def unpack(body: bytes) -> bytes:
    return decompress(body, "zstd", 1 << 24) if body else b""


FAULTS: dict[str, list[Fault | None]] = {
    "the connection drops": [DROP] * 4,
    "the connection drops after storing and before answering": [CUT] * 4,
    "requests arrive twice": [REPEAT] * 4,
    "everything is late": [delay(0.2)] * 4,
    "the answer comes byte by byte": [slow(0.0005)] * 2,
    "500": [status(500)] * 5,
    "429 and when to come again, in seconds": [status(429, retry_after="20")] * 3,
    "503 and when to come again, a date": [
        status(503, retry_after=format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True))
    ],
    "garbage where the receipt should be": [NONSENSE] * 4,
    "all of it": [DROP, CUT, status(500), NONSENSE, REPEAT, status(429, retry_after="1"), CUT],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_whatever_fails_everything_arrives_once_and_has_its_receipt(
    ministry: MinistryServer, faults: list[Fault | None]
) -> None:
    with through(ministry, in_turn(faults)) as (lanes, proxy):
        lanes.put(record(flagged_file("B", "old", at=OLD), partition=1))
        fresh(lanes, "1")
        fresh(lanes, "2")
        work_off(lanes)
        assert proxy.requests > 1
    assert sorted(r.headers["file_id"].decode() for r in ministry.flagged) == sorted(ids("old", "1", "2"))
    assert sorted(lanes.confirmed) == sorted(ids("old", "1", "2"))
    assert lanes.dead == []


def test_a_tenth_of_all_requests_failing_loses_nothing_and_doubles_nothing(ministry: MinistryServer) -> None:
    faults = [DROP, CUT, REPEAT, delay(0.01), status(500), status(429, retry_after="1"), NONSENSE]
    with through(ministry, at_random(faults, 0.1, seed=16)) as (lanes, _):
        for number in range(60):
            fresh(lanes, f"fresh {number}", "ABC"[number % 3], number % 3)
            lanes.put(record(flagged_file("A", f"old {number}", at=OLD), partition=number % 3))
            lanes.try_present()
            lanes.try_backlog()
            lanes.pass_time(1)
        work_off(lanes)
    names = [f"{kind} {number}" for kind in ("fresh", "old") for number in range(60)]
    assert {r.headers["file_id"].decode() for r in ministry.flagged} == set(ids(*names))
    assert set(lanes.confirmed) == set(ids(*names))
    assert lanes.dead == []


def test_a_ministry_that_is_away_for_a_week_gets_the_present_first_and_then_everything(
    down: MinistryServer,
) -> None:
    with lanes_to(down.url, down.folder) as lanes:
        for hour in range(24 * 7):
            fresh(lanes, f"hour {hour}")
            lanes.try_present()
            lanes.try_backlog()
            lanes.pass_time(3_600)
        while lanes.try_present():
            pass
        fresh(lanes, "now")
        down.start()
        try:
            lanes.try_present()
            assert [r.headers["file_id"].decode() for r in down.flagged] == ids("now")
            work_off(lanes)
        finally:
            down.stop()
    names = ["now", *(f"hour {hour}" for hour in range(24 * 7))]
    assert [r.headers["file_id"].decode() for r in down.flagged] == ids(*names)
    assert len(lanes.confirmed) == len(names)


def test_a_retry_after_that_is_a_date_counts_by_the_ministrys_clock_however_ours_goes(
    ministry: MinistryServer,
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    late = status(
        503,
        date=format_datetime(hour_ago, usegmt=True),
        retry_after=format_datetime(hour_ago + timedelta(seconds=90), usegmt=True),
    )
    with through(ministry, in_turn([late])) as (lanes, proxy):
        fresh(lanes, "1")
        lanes.try_present()
        lanes.pass_time(59)
        lanes.try_present()
        assert proxy.requests == 1
        lanes.pass_time(40)
        work_off(lanes)
    assert lanes.confirmed == ids("1")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_that_differ_by_ten_minutes_hold_nothing_up(
    tmp_path: Path, registry: Registry, minutes: int
) -> None:
    ministry = MinistryServer(tmp_path, registry, clock=lambda: NOON + timedelta(minutes=minutes))
    ministry.start()
    try:
        with lanes_to(ministry.url, tmp_path) as lanes:
            fresh(lanes, "1")
            work_off(lanes)
    finally:
        ministry.stop()
    assert lanes.confirmed == ids("1")
    assert lanes.dead == []


def test_a_certificate_that_is_not_trusted_is_told_no_password_and_no_reading(
    ministry: MinistryServer, tmp_path: Path
) -> None:
    pair = Pair(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with (
        faulty_proxy(ministry.url, never, context) as proxy,
        lanes_to(proxy.url, tmp_path) as lanes,
    ):
        lanes.put(record(flagged_file("A", "old", at=OLD)))
        lanes.try_present()
        batch = lanes.broker.records("late-range")
        reason = getattr(lanes.backlog.handle(batch), "reason", "")
        assert "CERTIFICATE_VERIFY_FAILED" in reason
        assert proxy.requests == 0
    assert ministry.flagged == []


def test_a_poison_set_becomes_a_dead_letter_alone_and_the_present_does_not_wait_for_it(
    ministry: MinistryServer,
) -> None:
    """The way to the ministry breaks whenever the poison set is in a delivery."""
    with through(ministry, never) as (lanes, proxy):
        relay = proxy.relay

        def break_at_poison(method: str, path: str, headers: object, body: bytes) -> object:
            if poison in unpack(body):
                return 500, {}, b"broken"
            return relay(method, path, headers, body)  # type: ignore[arg-type]

        poison = file_id(b"old 3").encode()
        proxy.relay = break_at_poison  # type: ignore[method-assign]
        lanes.put(*(record(flagged_file("A", f"old {n}", at=OLD), partition=0) for n in range(8)))
        for number in range(100):
            fresh(lanes, f"fresh {number}", "B", 1)
            lanes.try_present()
            assert ids(f"fresh {number}")[0] in lanes.confirmed
            if lanes.try_backlog():
                break
            lanes.pass_time(61)
        assert [r.headers["reason"].partition(b":")[0] for r in lanes.dead] == [
            b"the ministry took others and not this set"
        ]
        assert set(ids(*(f"old {n}" for n in range(8) if n != 3))) <= set(lanes.confirmed)


def test_the_present_is_confirmed_while_deliveries_of_the_backlog_are_under_way(
    ministry: MinistryServer,
) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def hold_the_backlog(_: str, path: str) -> Fault | None:
        if path == "/v1/deliveries" and holding.is_set():
            holding.clear()
            under_way.set()
            go_on.wait(LIMIT)
        return None

    holding = threading.Event()
    with through(ministry, hold_the_backlog) as (lanes, _):
        lanes.put(record(flagged_file("A", "old", at=OLD)))
        lanes.try_present()
        holding.set()
        backlog = threading.Thread(target=lanes.try_backlog)
        backlog.start()
        assert under_way.wait(LIMIT)
        fresh(lanes, "now")
        lanes.try_present()
        assert lanes.confirmed == ids("now")
        go_on.set()
        backlog.join(LIMIT)
    assert sorted(lanes.confirmed) == sorted(ids("now", "old"))
