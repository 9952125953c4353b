"""The ministry over HTTPS: ``POST <url>/v1/deliveries``, and its ``v1/registry``."""

import json
import ssl
import time
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from quantrac.io.content_digest import MISMATCHING_DIGEST, content_digest
from quantrac.io.content_encoding import compress_zstd
from schemas.messages.deliveries import Receipt
from schemas.messages.registry_requests import RegistryAnswer, RegistryRequests
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import BadReceipt, DeliveryRefused, MinistryAway

# The ministry answers after its broker has every set, which takes well under a second when it is well.
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_LONGEST_ANSWER_SECONDS = 60.0

# A server that closes idle connections does so after some seconds; one that was closed costs a second try.
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=4.0)

_HEADERS = {
    "Content-Type": "application/x-ndjson",
    "Content-Encoding": "zstd",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_JSON = "application/json"
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_REASON = 300
# A receipt names 2,000 rejected sets at most, twice, each in some hundred bytes.
_LONGEST_ANSWER_BYTES = 16 << 20


class _PresentPassword(httpx.Auth):
    """Basic authentication with the password of the moment: it may change while the forwarder runs."""

    def __init__(self, account: str, password: str | Callable[[], str]) -> None:
        self._account = account
        self._password = password if callable(password) else lambda: password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        password = self._password()
        if not password:
            yield request
            return
        yield from httpx.BasicAuth(self._account, password).auth_flow(request)


Answer = TypeVar("Answer", RegistryAnswer, RegistryRequests)


class HttpMinistry:
    """Connections to the ministry, kept open, for several threads; certificates are always verified."""

    def __init__(
        self,
        url: str,
        account: str,
        password: str | Callable[[], str],
        *,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Log in by ``password``, or what it returns; where that is empty, by the certificate of ``tls``."""
        # Without a context of its own the environment may name an authority (SSL_CERT_FILE), as a proxy.
        self._client = httpx.Client(
            base_url=url,
            auth=_PresentPassword(account, password),
            verify=tls or True,
            headers=_HEADERS,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            transport=transport,
        )

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send compressed; see :class:`services.forwarder.ministry.Ministry`."""
        body = delivery.zstd_body
        headers = {"Content-Digest": content_digest(body)}
        _, answer = self._exchange("POST", "v1/deliveries", content=body, headers=headers)
        return _receipt(answer)

    def post_entries(self, entries: Sequence[bytes]) -> RegistryAnswer:
        """See :class:`services.forwarder.registry.ministry.RegistryMinistry`."""
        body = compress_zstd(b'{"entries":[' + b",".join(entries) + b"]}")
        headers = {"Content-Type": _JSON, "Content-Digest": content_digest(body)}
        _, answer = self._exchange("POST", "v1/registry", content=body, headers=headers)
        return _read_answer(RegistryAnswer, answer)

    def list_requests(self, known_version: str) -> RegistryRequests | None:
        """See :class:`services.forwarder.registry.ministry.RegistryMinistry`."""
        headers = {"If-None-Match": f'"{known_version}"'} if known_version else {}
        status, answer = self._exchange("GET", "v1/registry/requests", headers=headers)
        return None if status == HTTPStatus.NOT_MODIFIED else _read_answer(RegistryRequests, answer)

    def _exchange(self, method: str, path: str, **request: Any) -> tuple[int, bytes]:
        """Send a request; returns status and body of an answer that is no error.

        Raises :class:`MinistryAway` or :class:`DeliveryRefused`.
        """
        try:
            with self._client.stream(method, path, **request) as response:
                answer = _read(response)
        except httpx.RequestError as error:
            raise MinistryAway(f"{type(error).__name__}: {error}") from error
        if response.status_code in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            return response.status_code, answer
        if response.is_server_error or response.status_code in _LATER or _is_damaged(answer):
            raise MinistryAway(f"{response.status_code}: {_reason(response, answer)}", _retry_after(response))
        raise DeliveryRefused(response.status_code, _reason(response, answer))

    def fetch_keys(self) -> str:
        """Return the JWK Set of the keys that receipts are signed with; raises :class:`MinistryAway`."""
        try:
            # For everybody, so without the password.
            with self._client.stream("GET", ".well-known/jwks.json", auth=None) as response:
                answer = _read(response)
        except httpx.RequestError as error:
            raise MinistryAway(f"the ministry's keys: {type(error).__name__}: {error}") from error
        if response.status_code != HTTPStatus.OK:
            raise MinistryAway(f"the ministry's keys: {response.status_code}: {_reason(response, answer)}")
        return answer.decode(errors="replace")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _read(response: httpx.Response) -> bytes:
    """Return the answer's bytes; raises :class:`MinistryAway` if it is compressed, too long or too slow."""
    if (encoding := response.headers.get("content-encoding", "identity")) != "identity":
        raise MinistryAway(f"the answer is compressed ({encoding}), which was not asked for")
    answer, end = bytearray(), time.monotonic() + _LONGEST_ANSWER_SECONDS
    for part in response.iter_bytes():
        answer += part
        if len(answer) > _LONGEST_ANSWER_BYTES:
            raise MinistryAway(f"the answer has more than {_LONGEST_ANSWER_BYTES} bytes")
        if time.monotonic() > end:
            raise MinistryAway(f"the answer was not over after {_LONGEST_ANSWER_SECONDS:.0f} s")
    return bytes(answer)


def _is_damaged(answer: bytes) -> bool:
    """Tell whether a problem says that the body has changed on the way, which no set is to blame for."""
    try:
        return bool(json.loads(answer)["type"] == MISMATCHING_DIGEST)
    except (ValueError, KeyError, TypeError):
        return False


def _receipt(answer: bytes) -> Receipt:
    try:
        # A newer ministry may say more.
        return Receipt.model_validate_json(answer, extra="ignore")
    except ValidationError as error:
        raise BadReceipt("the answer is none; is this the ministry?") from error


def _read_answer(model: type[Answer], answer: bytes) -> Answer:
    try:
        return model.model_validate_json(answer, extra="ignore")
    except ValidationError as error:
        raise MinistryAway("the answer is none about the registry; is this the ministry?") from error


def _reason(response: httpx.Response, answer: bytes) -> str:
    """Return the ``detail`` of a problem, else the beginning of whatever a proxy said."""
    try:
        detail = json.loads(answer)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.decode(errors="replace") or response.reason_phrase
    return " ".join(str(detail).split())[:_LONGEST_REASON]


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds of ``Retry-After``; a date counts from the ministry's own, not from our clock."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        now = parsedate_to_datetime(response.headers["date"]) if "date" in response.headers else None
        return max((parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return 0.0
