"""What each answer of a ministry means to the forwarder, and what the settings accept."""

import gzip
import itertools
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from quantrac.io.content_digest import MISMATCHING_DIGEST, content_digest
from quantrac.io.records import Record
from quantrac.io.settings import load
from quantrac.testing.builders import flagged_set
from schemas.codecs.sets import encode_flagged_set
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.config import ForwarderSettings
from services.forwarder.delivery import Delivery, DeliveryItem
from services.forwarder.ministry import BadReceipt, DeliveryRefused, MinistryAway
from support.receipts import receipt_of
from support.tls import Pair

FLAGGED = flagged_set(station="A")
DELIVERY = Delivery([DeliveryItem(Record("qa-flagged", b"A", encode_flagged_set(FLAGGED)), FLAGGED)])
RECEIPT = receipt_of(DELIVERY)


def ministry(answer: Callable[[httpx.Request], httpx.Response]) -> HttpMinistry:
    return HttpMinistry(
        "https://ministry.example/in", "hanoi", "secret", transport=httpx.MockTransport(answer)
    )


def answering(status: int, **content: object) -> HttpMinistry:
    return ministry(lambda _: httpx.Response(status, **content))  # type: ignore[arg-type]


def test_a_delivery_goes_compressed_and_signed_to_the_deliveries_of_the_address() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, content=RECEIPT.model_dump_json())

    assert ministry(answer).deliver(DELIVERY) == RECEIPT
    assert (requests[0].method, str(requests[0].url)) == ("POST", "https://ministry.example/in/v1/deliveries")
    assert requests[0].headers["content-type"] == "application/x-ndjson"
    assert requests[0].headers["content-encoding"] == "zstd"
    assert requests[0].headers["authorization"] == "Basic aGFub2k6c2VjcmV0"
    assert requests[0].headers["content-digest"] == content_digest(requests[0].content)
    assert zstandard.decompress(requests[0].content) == DELIVERY.body


def test_a_newer_ministry_may_say_more_in_its_receipt() -> None:
    content = json.loads(RECEIPT.model_dump_json()) | {"region": "north"}
    assert answering(200, json=content).deliver(DELIVERY) == RECEIPT


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507])
def test_an_answer_that_says_later_is_a_ministry_that_is_away(status: int) -> None:
    client = answering(status, json={"detail": "the disk\nis full"}, headers={"Retry-After": "5"})
    with pytest.raises(MinistryAway, match=f"^{status}: the disk is full$") as caught:
        client.deliver(DELIVERY)
    assert caught.value.retry_after == 5.0


def test_a_body_damaged_on_the_way_is_sent_again_and_no_set_is_to_blame() -> None:
    client = answering(400, json={"type": MISMATCHING_DIGEST, "detail": "another SHA-256"})
    with pytest.raises(MinistryAway, match="400: another SHA-256"):
        client.deliver(DELIVERY)


def test_the_keys_of_the_ministry_are_asked_for_without_the_password() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, text='{"keys": []}')

    assert ministry(answer).fetch_keys() == '{"keys": []}'
    assert str(requests[0].url) == "https://ministry.example/in/.well-known/jwks.json"
    assert "authorization" not in requests[0].headers
    with pytest.raises(MinistryAway, match="the ministry's keys: 404: Not Found"):
        answering(404).fetch_keys()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "Wed, 25 Mar 2026 05:01:30 GMT", "Date": "Wed, 25 Mar 2026 05:00:00 GMT"}, 90.0),
        ({"Retry-After": "Wed, 25 Mar 2026 05:00:00 GMT", "Date": "Wed, 25 Mar 2026 05:01:30 GMT"}, 0.0),
        ({"Retry-After": "Sun, 01 Mar 2026 05:00:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 25 Mar 2026 05:01:30 GMT", "Date": "yesterday"}, 0.0),
        ({"Retry-After": "soon"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_date_to_come_back_at_counts_from_that_of_the_answer(
    headers: dict[str, str], seconds: float
) -> None:
    client = answering(503, headers=headers)
    with pytest.raises(MinistryAway, match="503: Service Unavailable") as caught:
        client.deliver(DELIVERY)
    assert caught.value.retry_after == seconds


def test_an_answer_that_comes_too_slowly_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.forwarder.adapters.ministry_http._LONGEST_ANSWER_SECONDS", -1.0)
    with pytest.raises(MinistryAway, match="the answer was not over"):
        answering(200, content=RECEIPT.model_dump_json()).deliver(DELIVERY)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("not HTTP"),
        httpx.DecodingError("not gzip"),
    ],
)
def test_no_answer_is_a_ministry_that_is_away(error: httpx.RequestError) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(MinistryAway, match=f"{type(error).__name__}: {error}"):
        ministry(fail).deliver(DELIVERY)


def test_a_page_where_the_receipt_should_be_is_no_receipt() -> None:
    with pytest.raises(BadReceipt, match="the answer is none"):
        answering(200, text="<html>Welcome</html>").deliver(DELIVERY)


class Endless(httpx.SyncByteStream):
    """An answer that repeats one part for ever."""

    def __init__(self, part: bytes) -> None:
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        return itertools.repeat(self._part)


@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_answer_that_unpacks_or_never_ends_is_not_read(status: int) -> None:
    bomb = Endless(gzip.compress(b" " * 10_000_000))
    packed = httpx.Response(status, headers={"Content-Encoding": "gzip"}, stream=bomb)
    with pytest.raises(MinistryAway, match=r"compressed \(gzip\)"):
        ministry(lambda _: packed).deliver(DELIVERY)
    endless = httpx.Response(status, stream=Endless(b" " * 1_000_000))
    with pytest.raises(MinistryAway, match="more than 16777216 bytes"):
        ministry(lambda _: endless).deliver(DELIVERY)


@pytest.mark.parametrize(
    ("status", "about_content", "about_account"),
    [
        (400, True, False),
        (413, True, False),
        (422, True, False),
        (401, False, True),
        (403, False, True),
        (301, False, False),
        (404, False, False),
        (415, False, False),
    ],
)
def test_a_refusal_says_what_it_is_about(status: int, about_content: bool, about_account: bool) -> None:
    with pytest.raises(DeliveryRefused, match=f"^{status}: because$") as caught:
        answering(status, json={"detail": "because"}).deliver(DELIVERY)
    assert (caught.value.is_about_content, caught.value.is_about_account) == (about_content, about_account)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("QUANTRAC_MINISTRY_URL", "https://ministry.example")
    monkeypatch.setenv("QUANTRAC_MINISTRY_ACCOUNT", "hanoi")
    monkeypatch.setenv("QUANTRAC_FORWARDER_DATA", "/var/lib/quantrac/forwarder")
    return monkeypatch


def test_the_password_comes_from_the_environment_or_goes_before_it_from_a_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("QUANTRAC_MINISTRY_PASSWORD", "from the environment")
    assert load(ForwarderSettings).ministry_password.get_secret_value() == "from the environment"
    (tmp_path / "password").write_text("from the file\n")
    environment.setenv("QUANTRAC_MINISTRY_PASSWORD_FILE", str(tmp_path / "password"))
    assert load(ForwarderSettings).ministry_password.get_secret_value() == "from the file"


def test_a_missing_password_or_address_stops_the_start_with_one_sentence(
    environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        SystemExit,
        match=r"QUANTRAC_MINISTRY_PASSWORD: .*set it, QUANTRAC_MINISTRY_PASSWORD_FILE or QUANTRAC_MIN",
    ):
        load(ForwarderSettings)
    environment.setenv("QUANTRAC_MINISTRY_PASSWORD", "secret")
    environment.delenv("QUANTRAC_MINISTRY_URL")
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_MINISTRY_URL is not set$"):
        load(ForwarderSettings)


def test_a_certificate_takes_the_place_of_a_password_and_is_shown_over_https_only(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pair = Pair(tmp_path)
    environment.setenv("QUANTRAC_MINISTRY_CERTIFICATE", str(pair.certificate))
    environment.setenv("QUANTRAC_MINISTRY_CERTIFICATE_KEY", str(pair.key))
    settings = load(ForwarderSettings)
    assert settings.ministry_password.get_secret_value() == ""
    assert settings.ministry_tls() is not None
    environment.setenv("QUANTRAC_MINISTRY_URL", "http://ministry.example")
    with pytest.raises(SystemExit, match=r"QUANTRAC_MINISTRY_CERTIFICATE: .*over HTTPS only"):
        load(ForwarderSettings)


def test_a_new_password_in_the_file_is_sent_from_the_next_delivery_on(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, sent = tmp_path / "password", []
    file.write_text("old\n")
    environment.setenv("QUANTRAC_MINISTRY_PASSWORD_FILE", str(file))
    password = load(ForwarderSettings).present_password()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(b64decode(request.headers["authorization"].removeprefix("Basic ")))
        return httpx.Response(401)

    client = HttpMinistry("https://m.example", "hanoi", password, transport=httpx.MockTransport(answer))
    for text in ("old\n", "", "new, of another length\n"):
        file.write_text(text)
        with pytest.raises(DeliveryRefused):
            client.deliver(DELIVERY)
    file.unlink()
    with pytest.raises(DeliveryRefused):
        client.deliver(DELIVERY)
    assert sent == [b"hanoi:old", b"hanoi:old", *[b"hanoi:new, of another length"] * 2]


def test_without_a_password_no_name_is_sent() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(401)

    client = HttpMinistry("https://m.example", "hanoi", "", transport=httpx.MockTransport(answer))
    with pytest.raises(DeliveryRefused):
        client.deliver(DELIVERY)
    assert "authorization" not in requests[0].headers


def test_files_of_tls_that_cannot_be_used_are_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    environment.setenv("QUANTRAC_MINISTRY_PASSWORD", "secret")
    environment.setenv("QUANTRAC_MINISTRY_AUTHORITY", str(tmp_path / "ca.pem"))
    with pytest.raises(ValueError, match=r"ca\.pem holds no certificates \(PEM\)"):
        load(ForwarderSettings).ministry_tls()
    environment.setenv("QUANTRAC_MINISTRY_CERTIFICATE_KEY", str(tmp_path / "ca.pem"))
    with pytest.raises(SystemExit, match=r"QUANTRAC_MINISTRY_CERTIFICATE_KEY: .*of no use without"):
        load(ForwarderSettings)
