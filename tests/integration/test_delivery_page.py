"""docs/deliveries.md against the ministry's door: its examples are sent, a client written from it works."""

import ast
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quantrac.cli.receipts import receipts
from quantrac.io.jws import SigningKey
from quantrac.testing.builders import account, registry, station
from support import independent_client
from support.folders import ROOT
from support.independent_client import IndependentClient, ReceiptRefused
from support.ministry_server import MinistryServer
from support.waiting import LIMIT

PAGE = (ROOT / "docs" / "deliveries.md").read_text(encoding="utf-8")
# The key of RFC 8037, appendix A: everybody has it, so the page's signatures can be made again.
RFC_KEY = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RECEIVED = datetime(2026, 3, 24, 17, 5, 15, 2000, tzinfo=UTC)


def example(name: str) -> str:
    """Return the block of the page after ``<!-- name -->``."""
    (block,) = re.findall(rf"<!-- {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def example_json(name: str) -> Any:
    return json.loads(example(name))


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[MinistryServer]:
    stations = [station("HN_DEMO_KHI001"), station("XX_FAR", province="24")]
    accounts = [
        account("province-hn", role="province", stations=(), provinces=("01",)),
        account("province-xx", role="province", stations=(), provinces=("24",)),
    ]
    server = MinistryServer(tmp_path, registry(stations, accounts), name="ministry", clock=lambda: RECEIVED)
    server.keys.mkdir()
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(RFC_KEY)))
    (server.keys / "rfc-8037.pem").write_bytes(key.to_pem())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(ministry: MinistryServer) -> IndependentClient:
    return IndependentClient(ministry.url, "province-hn", "secret", "ministry")


def test_the_example_is_answered_as_the_page_says(
    ministry: MinistryServer, client: IndependentClient
) -> None:
    answer = client.send(example("delivery").encode())
    assert answer.status_code == 200
    assert answer.json() == example_json("answer")
    assert client.send(example("delivery").encode()).json() == example_json("answer") | {"duplicate": True}
    assert len(ministry.flagged) == 1


def test_the_keys_and_what_is_signed_are_those_of_the_page(
    ministry: MinistryServer, client: IndependentClient
) -> None:
    keys = httpx.get(f"{ministry.url}/.well-known/jwks.json", timeout=LIMIT)
    assert keys.json() == example_json("keys")
    assert client.verify(example_json("answer")["signed"]) == example_json("payload")


def test_a_refusal_looks_as_the_page_says(ministry: MinistryServer) -> None:
    headers = {
        "Content-Type": "application/x-ndjson",
        "Content-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    }
    url, login = f"{ministry.url}/v1/deliveries", ("province-hn", "secret")
    answer = httpx.post(url, content=b"changed", headers=headers, auth=login, timeout=LIMIT)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()) == (400, example_json("problem"))


def test_the_document_of_the_page_is_good_and_a_changed_one_is_not(tmp_path: Path) -> None:
    file, keys = tmp_path / "receipt.json", tmp_path / "keys.json"
    keys.write_text(example("keys"))
    file.write_text(example("document"))
    verified = CliRunner().invoke(receipts, ["verify", str(file), "--keys", str(keys)])
    assert verified.exit_code == 0, verified.output
    assert verified.output == example("verified")
    file.write_text(example("document").replace('"readings": 2', '"readings": 3'))
    assert CliRunner().invoke(receipts, ["verify", str(file), "--keys", str(keys)]).exit_code == 1


def test_a_client_written_from_the_page_gets_a_receipt_that_it_can_prove(
    ministry: MinistryServer, client: IndependentClient
) -> None:
    body = example("delivery").encode()
    assert client.deliver(body) == example_json("payload")
    first, _ = body.splitlines(keepends=True)
    assert [record.value for record in ministry.flagged] == [first.strip()]


def test_the_client_believes_no_other_account_ministry_or_body(ministry: MinistryServer) -> None:
    body = example("delivery").encode()
    wrong = IndependentClient(ministry.url, "province-hn", "secret", "another ministry")
    with pytest.raises(ReceiptRefused, match="another ministry"):
        wrong.deliver(body)
    right = IndependentClient(ministry.url, "province-hn", "secret", "ministry")
    head, payload, signature = right.send(body).json()["signed"].split(".")
    with pytest.raises(ReceiptRefused, match="the signature does not fit"):
        right.verify(f"{head}.{payload[:-2]}AA.{signature}")


def test_the_client_knows_nothing_of_this_project() -> None:
    tree = ast.parse(Path(independent_client.__file__).read_text(encoding="utf-8"))
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules <= {"ast", "base64", "cryptography", "gzip", "hashlib", "httpx", "json", "typing"}
