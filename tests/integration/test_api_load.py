"""A key that asks too much at once, over a real server and a database that answers when the test says so."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import Result
from quantrac.io.http_server import HttpServer
from quantrac.testing.builders import NOON, station
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from services.api.common.slots import KeySlots, SlotLimits
from support.waiting import LIMIT, wait_until

GREEDY_TOKEN, GREEDY_KEY = new_key("dashboard")
OTHER_TOKEN, OTHER_KEY = new_key("department")
SLOW, QUICK = "HN_SLOW_KHI001", "HN_QUICK_KHI001"
SLOT_LIMITS = SlotLimits(running_requests=2, waiting_requests=5, wait_seconds=60.0)


class Tables:
    """Answers questions about one station at once, and about the other only when it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.running = 0

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        if parameters is not None and parameters["station"] == SLOW:
            self.running += 1
            assert self.may_answer.wait(LIMIT)
        return Result((), [])

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        return {}

    def answers(self) -> bool:
        return True


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def api(tables: Tables) -> Iterator[str]:
    stations = {code: station(code=code) for code in (SLOW, QUICK)}
    keys = {key.id: key.to_domain() for key in (GREEDY_KEY, OTHER_KEY)}
    registry = Registry(stations, api_keys=keys)
    context = Context(
        tables,
        registry,
        RuleBook(load(), registry),
        LimitBook(()),
        lambda: True,
        lambda: NOON,
        threads=SLOT_LIMITS.running_requests + 1,
        slots=KeySlots(SLOT_LIMITS),
    )
    server, stop = HttpServer("127.0.0.1", 0, create_app(context)), threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    yield "http://{}:{}".format(*server.address)
    tables.may_answer.set()
    stop.set()
    thread.join(timeout=LIMIT)
    assert not thread.is_alive()


def ask(api: str, station_code: str, token: str) -> httpx.Response:
    url = f"{api}/v1/readings"
    return httpx.get(url, params={"station": station_code}, headers={"X-Api-Key": token}, timeout=LIMIT)


def test_while_one_keys_requests_wait_another_key_and_health_are_answered(api: str, tables: Tables) -> None:
    count = 20
    with ThreadPoolExecutor(count) as clients:
        greedy: list[Future[httpx.Response]] = [
            clients.submit(ask, api, SLOW, GREEDY_TOKEN) for _ in range(count)
        ]
        refused = count - SLOT_LIMITS.running_requests - SLOT_LIMITS.waiting_requests
        wait_until(lambda: sum(answer.done() for answer in greedy) == refused)
        for _ in range(10):
            assert ask(api, QUICK, OTHER_TOKEN).status_code == 200
        assert httpx.get(f"{api}/health/ready", timeout=LIMIT).status_code == 200
        assert httpx.get(f"{api}/docs", timeout=LIMIT).status_code == 200
        assert tables.running == SLOT_LIMITS.running_requests
        assert sum(answer.done() for answer in greedy) == refused
        tables.may_answer.set()
        answers = [answer.result() for answer in greedy]
    slots = SLOT_LIMITS.running_requests + SLOT_LIMITS.waiting_requests
    assert [answer.status_code for answer in answers].count(200) == slots
    problem = next(answer for answer in answers if answer.status_code != 200)
    assert (problem.status_code, problem.headers["retry-after"]) == (429, "5")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["detail"] == "7 requests of this key are under way."


def test_a_key_is_answered_again_once_its_requests_have_ended(api: str, tables: Tables) -> None:
    tables.may_answer.set()
    with ThreadPoolExecutor(5) as clients:
        for _ in range(4):
            answers = clients.map(lambda _: ask(api, SLOW, GREEDY_TOKEN), range(5))
            assert [answer.status_code for answer in answers] == [200] * 5
