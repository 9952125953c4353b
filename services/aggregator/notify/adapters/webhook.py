"""A target over HTTP: JSON, signed as the Standard Webhooks specification 1.0.0 lays down."""

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httpx

from services.aggregator.notify.target import Notice, TargetAway, TargetRefused

_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_REASON = 300


class WebhookChannel:
    """One receiver; its connection is kept open, its redirects are not followed."""

    def __init__(
        self,
        url: str,
        secrets: Sequence[bytes],
        *,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.time,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``clock`` gives seconds since 1970: receivers compare the time of the attempt with their own."""
        self._url, self._secrets, self._clock = url, secrets, clock
        # A proxy comes from the environment (HTTPS_PROXY).
        self._client = httpx.Client(
            headers={"Accept-Encoding": "identity"},
            timeout=_TIMEOUT,
            follow_redirects=False,
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            transport=transport,
        )

    def send(self, notice: Notice) -> str:
        """See :class:`services.aggregator.notify.target.Channel`; any 2xx is a yes."""
        body = json.dumps(notice.payload, ensure_ascii=False, separators=(",", ":")).encode()
        name, timestamp = webhook_id(notice.id), str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secrets, name, timestamp, body),
        }
        try:
            # What follows a yes is not read: it may have no end.
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if response.is_success:
                    return ""
                reason = f"{response.status_code}: {_reason(response)}"
        except httpx.RequestError as error:
            raise TargetAway(f"{type(error).__name__}: {error}") from error
        if response.is_server_error or response.status_code in _LATER:
            raise TargetAway(reason, _retry_after(response))
        raise TargetRefused(reason)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def webhook_id(notice: str) -> str:
    """Write a notice's id so that it fits into a header and holds no full stop, as the signature needs it.

    >>> webhook_id("limit-exceeded/HN_BKHN_KHIKXQ/PM2.5/2026-03-25T00:00:00Z/1")
    'limit-exceeded/HN_BKHN_KHIKXQ/PM2%2E5/2026-03-25T00:00:00Z/1'
    """
    return quote(notice, safe="/:").replace(".", "%2E")


def signature(secrets: Sequence[bytes], name: str, timestamp: str, body: bytes) -> str:
    """Sign ``name.timestamp.body`` with each secret; returns the header's value."""
    signed = b".".join([name.encode(), timestamp.encode(), body])
    return " ".join(
        f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}" for secret in secrets
    )


def _reason(response: httpx.Response) -> str:
    body = b""
    # A compressed answer could grow from a few bytes to many; the request forbids it.
    if response.headers.get("content-encoding", "identity") == "identity":
        with suppress(httpx.HTTPError):
            body = next(response.iter_bytes(_LONGEST_REASON), b"")
    text = " ".join(body.decode(errors="replace").split())
    return text or response.headers.get("location") or response.reason_phrase


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds of ``Retry-After``; a date is left to the back-off."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0
