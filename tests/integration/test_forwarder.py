"""The forwarder against the ministry's door: real HTTP both ways, doubles for the two brokers."""

import gzip
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import zstandard

from quantrac.domain.ids import file_id
from quantrac.domain.registry.registry import Registry
from quantrac.io.content_digest import MISMATCHING_DIGEST, content_digest
from quantrac.io.jws import KeySet
from quantrac.io.records import Record
from quantrac.io.signing_keys import rotate_keys
from quantrac.testing.builders import NOON, account, flagged_reading, flagged_set, station
from quantrac.testing.builders import registry as registry_of
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import RECEIPT_TYPE, DeliveryReceipt, Receipt
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.ministry_keys import MinistryKeys
from services.forwarder.verification import VerifiedMinistry
from support.forwarder import Lanes
from support.ministry_server import MAX_BYTES, MinistryServer
from support.waiting import LIMIT


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_of(
        [station(code) for code in ("A", "B", "C")],
        [
            account("hanoi", role="province", stations=(), provinces=("01",)),
            account("unbound", role="province", stations=()),
            account("logger-1", stations=("A",)),
        ],
    )


@pytest.fixture
def down(tmp_path: Path, registry: Registry) -> MinistryServer:
    return MinistryServer(tmp_path, registry)


@pytest.fixture
def ministry(down: MinistryServer) -> Iterator[MinistryServer]:
    down.start()
    yield down
    down.stop()


def line(station: str, name: str) -> bytes:
    """Return the line of a set in a delivery."""
    return encode_flagged_set(
        flagged_set(flagged_reading(35.2), station=station, file_name=name, received_at=NOON)
    )


def record(station: str, name: str, offset: int = 0, partition: int = 0) -> Record:
    return Record("qa-flagged", station.encode(), line(station, name), {}, partition, offset)


class Forwarder:
    """The province's side: some messages in its topic, both lanes, the real client."""

    def __init__(
        self,
        server: MinistryServer,
        batch: Sequence[Record],
        *,
        password: str = "secret",
        account: str = "hanoi",
    ) -> None:
        self._client = HttpMinistry(server.url, account, password)
        keys = MinistryKeys(server.folder / "ministry-keys.json", self._client.fetch_keys)
        self.lanes = Lanes(VerifiedMinistry(self._client, keys), account=account)
        self.lanes.put(*batch)

    def step(self) -> int:
        """Let each lane try once; returns how many messages are confirmed or dead."""
        self.lanes.try_present()
        self.lanes.try_backlog()
        return sum(len(kept.files) for kept in self.receipts) + len(self.dead)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def dead(self) -> list[Record]:
        return self.lanes.dead

    @property
    def receipts(self) -> list[DeliveryReceipt]:
        return self.lanes.receipts


@pytest.fixture
def forward(down: MinistryServer) -> Iterator[Callable[..., Forwarder]]:
    """Make forwarders that send to the ministry, whether it is up or not."""
    made: list[Forwarder] = []

    def make(batch: Sequence[Record], **login: str) -> Forwarder:
        made.append(Forwarder(down, batch, **login))
        return made[-1]

    yield make
    for forwarder in made:
        forwarder.close()


def post(
    server: MinistryServer,
    body: bytes,
    *,
    encoding: str | None = None,
    account: str = "hanoi",
    media_type: str = "application/x-ndjson",
    more: Mapping[str, str] = {},  # read only
) -> httpx.Response:
    headers = {
        "Content-Type": media_type,
        "Authorization": "Basic " + b64encode(f"{account}:secret".encode()).decode(),
        **more,
    }
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return httpx.post(f"{server.url}/v1/deliveries", content=body, headers=headers, timeout=LIMIT)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    content: Mapping[str, object] = response.json()
    assert content["status"] == response.status_code
    return response.status_code, str(content["detail"])


def test_a_batch_is_delivered_once_with_a_receipt_for_each_delivery(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    batch = [record("A", "1", 0), record("B", "2", 1), record("A", "3", 2), record("C", "4", 9, partition=1)]
    forwarder = forward(batch)
    assert forwarder.step() == 4
    assert {(r.key, r.value) for r in ministry.flagged} == {(record.key, record.value) for record in batch}
    by_id = {r.delivery_id: r for r in forwarder.receipts}
    assert sorted([f.station for f in r.files] for r in by_id.values()) == [["A", "B", "A"], ["C"]]
    kept = [DeliveryReceipt.model_validate_json(r.value or b"") for r in ministry.kept]
    assert {r.delivery_id: r.model_copy(update={"sent_at": NOON, "tries": 1}) for r in kept} == by_id


def test_a_batch_sent_twice_is_a_duplicate_with_the_same_receipt(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    batch = [record("A", "1", 0), record("B", "2", 1)]
    first, again = forward(batch), forward(batch)
    first.step()
    again.step()
    assert len(ministry.flagged) == 2
    assert again.receipts == first.receipts
    answer = post(ministry, line("A", "1") + b"\n" + line("B", "2")).json()
    assert (answer["duplicate"], answer["accepted"]) == (True, 2)


def test_the_ministry_knows_a_delivery_after_its_own_restart(ministry: MinistryServer) -> None:
    before = Receipt.model_validate(post(ministry, line("A", "1")).json())
    ministry.stop()
    ministry.start()
    after = Receipt.model_validate(post(ministry, line("A", "1")).json())
    assert after == before.model_copy(update={"duplicate": True})
    assert len(ministry.flagged) == 1


def test_a_ministry_that_was_down_gets_everything_once(
    down: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    forwarder = forward([record("A", "1", 0), record("B", "2", 0, partition=1)])
    for _ in range(3):
        assert forwarder.step() == 0
        forwarder.lanes.pass_time(120)
    down.start()
    try:
        forwarder.step()  # one delivery finds out that the ministry is back
        assert forwarder.step() == 2
    finally:
        down.stop()
    assert sorted(r.key for r in down.flagged) == [b"A", b"B"]
    assert sorted(f.station for r in forwarder.receipts for f in r.files) == ["A", "B"]


def test_a_ministry_whose_broker_is_away_answers_503_and_remembers_nothing(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    ministry.broker.failing = "Local: Message timed out"
    response = post(ministry, line("A", "1"))
    assert problem(response) == (
        503,
        "the broker did not confirm the sets: Local: Message timed out",
    )
    assert response.headers["retry-after"] == "5"
    forwarder = forward([record("A", "1")])
    assert forwarder.step() == 0
    ministry.broker.failing = None
    forwarder.lanes.pass_time(4.9)
    assert forwarder.step() == 0
    forwarder.lanes.pass_time(1.2)
    assert forwarder.step() == 1
    assert len(ministry.flagged) == 1


def test_a_wrong_password_holds_the_data_back_and_dead_letters_nothing(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    forwarder = forward([record("A", "1")], password="wrong")
    assert forwarder.step() == 0
    assert (forwarder.receipts, forwarder.dead) == ([], [])
    assert ministry.flagged == []


def test_an_account_without_provinces_holds_the_data_back_until_the_registry_names_one(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    forwarder = forward([record("A", "1")], account="unbound")
    unbound = ministry.registry.accounts["unbound"]
    try:
        assert problem(post(ministry, line("A", "1"), account="unbound")) == (
            403,
            "account unbound names no province in the registry",
        )
        assert forwarder.step() == 0
        assert (ministry.flagged, forwarder.dead) == ([], [])
        ministry.registry.accounts["unbound"] = replace(unbound, provinces=("01",))
        assert forwarder.step() == 1
    finally:
        ministry.registry.accounts["unbound"] = unbound
    assert len(ministry.flagged) == 1


def test_a_rejected_set_is_a_dead_letter_in_the_province(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    wrong = line("A", "2").replace(b'"file_id":"', b'"file_id":"x')
    bad = Record("qa-flagged", b"A", wrong, {}, 0, 1)
    forwarder = forward([record("A", "1", 0), bad])
    assert forwarder.step() == 2
    assert [(len(r.files), len(r.rejected)) for r in forwarder.receipts] == [(1, 1)]
    assert [(r.value, r.headers["reason"]) for r in forwarder.dead] == [
        (
            bad.value,
            b"the ministry rejected the set: not a flagged set: file_id: String should match pattern"
            b" '^[0-9a-f]{64}$'",
        )
    ]


def test_a_set_larger_than_the_ministry_takes_is_found_by_halving(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    large = line("A", "2").replace(b'"text":["35.2"]', b'"text":["' + b"3" * MAX_BYTES + b'"]')
    batch = [record("A", "1", 0), Record("qa-flagged", b"A", large, {}, 0, 1), record("A", "3", 2)]
    forwarder = forward(batch)
    assert forwarder.step() == 3
    assert [r.value for r in ministry.flagged] == [line("A", "1"), line("A", "3")]
    assert [r.headers["reason"] for r in forwarder.dead] == [
        b"the ministry refused the set: 413: the body holds more than 100000 bytes"
    ]


@pytest.mark.parametrize("encoding", [None, "identity", "gzip", "zstd"])
def test_a_delivery_is_known_by_its_content_whatever_its_encoding(
    ministry: MinistryServer, encoding: str | None
) -> None:
    body = line("A", "1")
    packed = {"gzip": gzip.compress(body), "zstd": zstandard.compress(body)}.get(encoding or "", body)
    answer = Receipt.model_validate(post(ministry, packed, encoding=encoding).json())
    assert (answer.delivery_id, answer.accepted, answer.duplicate) == (file_id(body), 1, False)
    assert Receipt.model_validate(post(ministry, body).json()).duplicate


def test_a_body_that_cannot_be_read_whole_is_refused(ministry: MinistryServer) -> None:
    packed = zstandard.compress(line("A", "1") * 50)
    assert problem(post(ministry, packed[:-10], encoding="zstd")) == (400, "the compressed body is cut off")
    assert problem(post(ministry, b"garbage", encoding="gzip"))[0] == 400
    assert problem(post(ministry, zstandard.compress(bytes(10 << 20)), encoding="zstd")) == (
        413,
        "the body holds more than 100000 bytes",
    )
    assert problem(post(ministry, bytes(MAX_BYTES + 1)))[0] == 413
    assert problem(post(ministry, b"", encoding="br"))[0] == 415
    assert problem(post(ministry, b"{}", media_type="application/json")) == (
        415,
        "the body must be application/x-ndjson, not application/json",
    )
    assert ministry.flagged == []


def test_a_stations_account_may_not_deliver(ministry: MinistryServer) -> None:
    assert problem(post(ministry, line("A", "1"), account="logger-1"))[0] == 403
    assert problem(post(ministry, line("A", "1"), account="nobody"))[0] == 401


def test_a_transfer_cut_off_on_the_way_is_not_a_delivery(ministry: MinistryServer) -> None:
    head = (
        "POST /v1/deliveries HTTP/1.1\r\nHost: m\r\nContent-Type: application/x-ndjson\r\n"
        f"Authorization: Basic {b64encode(b'hanoi:secret').decode()}\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", ministry.port)) as connection:
        connection.sendall(head.encode() + line("A", "1"))
    assert post(ministry, line("A", "2")).status_code == 200
    assert [r.value for r in ministry.flagged] == [line("A", "2")]


def test_a_body_with_another_hash_than_its_header_says_is_refused_and_comes_again(
    ministry: MinistryServer,
) -> None:
    packed = gzip.compress(line("A", "1"))
    for digest in (content_digest(packed), f"sha-512=:AAAA:, {content_digest(packed)}", "md5=:AAAA:"):
        more = {"Content-Digest": digest}
        assert post(ministry, packed, encoding="gzip", more=more).status_code == 200
    wrong = post(ministry, packed, encoding="gzip", more={"Content-Digest": content_digest(line("A", "1"))})
    assert problem(wrong) == (
        400,
        "the body has another SHA-256 than its Content-Digest says: it was damaged on the way",
    )
    assert wrong.json()["type"] == MISMATCHING_DIGEST
    for unreadable in ("sha-256=abc", "sha-256=:AAAA:", "sha-256=:%%%:"):
        assert problem(post(ministry, packed, encoding="gzip", more={"Content-Digest": unreadable})) == (
            400,
            "Content-Digest: sha-256 is not 32 bytes in base64 between colons",
        )


def test_the_keys_of_receipts_are_published_for_everybody_and_may_be_kept_for_a_minute(
    ministry: MinistryServer,
) -> None:
    answer = httpx.get(f"{ministry.url}/.well-known/jwks.json", timeout=LIMIT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=60"
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert "d" not in key


def test_a_ministry_that_rotates_its_key_is_believed_and_old_receipts_still_verify(
    ministry: MinistryServer, forward: Callable[..., Forwarder]
) -> None:
    before = forward([record("A", "1", 0)])
    before.step()
    rotate_keys(ministry.keys)
    after = forward([record("A", "2", 1)])
    assert after.step() == 1
    published = KeySet.from_json(httpx.get(f"{ministry.url}/.well-known/jwks.json", timeout=LIMIT).text)
    kept = KeySet.from_json((ministry.folder / "ministry-keys.json").read_text())
    assert len(published) == len(kept) == 2
    for receipt in (*before.receipts, *after.receipts):
        assert published.verify(receipt.receipt, RECEIPT_TYPE) == kept.verify(receipt.receipt, RECEIPT_TYPE)


def test_a_delivery_replayed_under_another_account_is_judged_by_the_rights_of_that_account(
    ministry: MinistryServer,
) -> None:
    ministry.registry.accounts["hue"] = account("hue", role="province", stations=(), provinces=("46",))
    try:
        own, replayed = post(ministry, line("A", "1")).json(), post(ministry, line("A", "1"), account="hue")
    finally:
        del ministry.registry.accounts["hue"]
    answer = replayed.json()
    assert (answer["account"], answer["accepted"], answer["duplicate"]) == ("hue", 0, False)
    assert answer["rejected"] == [
        {"line": 1, "reason": "account hue may not deliver for province 01, where station A is"}
    ]
    assert answer["signed"] != own["signed"]
    assert len(ministry.flagged) == 1
