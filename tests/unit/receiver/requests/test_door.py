"""``/v1/registry`` at the ministry's door: what comes in, what is answered, and the examples of the page."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response

from quantrac.domain.registry.accounts import Account
from quantrac.io.health import Health
from quantrac.testing.asgi import TestClient
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.registry import registry_router
from support.folders import ROOT
from support.ministry_requests import HANOI, MinistryBench, entry

MAX_BYTES = 10_000
JSON = {"content-type": "application/json"}
POST = json.dumps({"entries": [entry()]}).encode()


@pytest.fixture
def bench() -> MinistryBench:
    return MinistryBench()


def client(bench: MinistryBench, account: Account = HANOI) -> TestClient:
    """Return a client whose account the door knows already."""

    async def authenticate() -> Account:
        return account

    app = create_app(health=lambda: Health(True))
    app.include_router(registry_router(bench.handler, authenticate, max_bytes=MAX_BYTES))
    return TestClient(app)


def post(bench: MinistryBench, body: bytes, account: Account = HANOI, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client(bench, account).post("/v1/registry", content=body, headers=JSON | names)


def problem(response: Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["detail"]


@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_a_post_is_answered_entry_by_entry(
    bench: MinistryBench, pack: Callable[[bytes], bytes] | None
) -> None:
    response = post(bench, pack(POST), content_encoding="gzip") if pack else post(bench, POST)
    assert response.status_code == 200
    assert [(e["station"], e["state"]) for e in response.json()["entries"]] == [("A", "waiting")]


def test_a_body_that_is_no_post_is_refused_with_the_reason(bench: MinistryBench) -> None:
    assert problem(post(bench, b"{"))[0] == 400
    assert problem(post(bench, POST, content_type="text/plain")) == (
        415,
        "the body must be application/json, not text/plain",
    )
    assert problem(post(bench, POST, content_encoding="br"))[0] == 415
    damaged = post(bench, POST, content_digest="sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
    assert problem(damaged)[0] == 400
    assert problem(post(bench, b"x" * (MAX_BYTES + 1))) == (413, "the body holds more than 10000 bytes")
    bomb = gzip.compress(bytes(10 << 20))
    assert len(bomb) > MAX_BYTES or problem(post(bench, bomb, content_encoding="gzip"))[0] == 413
    many = b'{"entries": [' + b",".join([b"{}"] * 1_001) + b"]}"
    assert problem(post(bench, many))[0] == 413
    assert bench.broker.records("registry-request") == []


def test_an_account_without_provinces_is_refused(bench: MinistryBench) -> None:
    unbound = replace(HANOI, provinces=())
    assert problem(post(bench, POST, unbound))[0] == 403
    assert problem(client(bench, unbound).get("/v1/registry/requests"))[0] == 403


def test_a_broker_that_is_away_is_503_with_the_time_to_come_back(bench: MinistryBench) -> None:
    bench.broker.away = True
    response = post(bench, POST)
    assert problem(response)[0] == 503
    assert response.headers["retry-after"] == "5"


def test_the_list_is_304_while_nothing_has_changed(bench: MinistryBench) -> None:
    post(bench, POST)
    first = client(bench).get("/v1/registry/requests")
    tag = first.headers["etag"]
    assert tag == f'"{first.json()["registry_version"]}"'
    again = client(bench).get("/v1/registry/requests", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    bench.decide(approved=True)
    bench.round()
    news = client(bench).get("/v1/registry/requests", headers={"If-None-Match": tag})
    assert [(r["station"], r["state"]) for r in news.json()["requests"]] == [("A", "approved")]


PAGE = ROOT / "docs" / "deliveries.md"


def example(name: str) -> Any:
    """Return the JSON of the page after ``<!-- name -->``."""
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {name} -->\n```json\n(.*?)```", text, re.DOTALL)
    return json.loads(block)


def test_the_examples_of_the_page_are_answered_as_it_says() -> None:
    bench = MinistryBench(step=timedelta())
    bench.now = datetime(2026, 3, 24, 17, 5, 15, 2_000, tzinfo=UTC)
    account = replace(HANOI, name="province-hn")
    body = json.dumps(example("registry-post")).encode()
    assert post(bench, body, account).json() == example("registry-answer")
    bench.deliver("HN_DEMO_KHI777", "a.txt", account)
    bench.now = datetime(2026, 3, 24, 18, tzinfo=UTC)
    bench.decide("HN_DEMO_KHI777", approved=True, reason="as agreed in letter 17")
    bench.now = datetime(2026, 3, 24, 18, 0, 1, tzinfo=UTC)
    bench.round()
    answer = client(bench, account).get("/v1/registry/requests").json()
    assert answer == example("registry-requests")
