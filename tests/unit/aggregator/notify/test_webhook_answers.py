"""What a webhook's receiver says is read in few bytes, whatever it sends."""

import gzip

import httpx
import pytest

from quantrac.testing.builders import NOON
from services.aggregator.notify.adapters.webhook import WebhookChannel
from services.aggregator.notify.target import Notice, TargetRefused

NOTICE = Notice("a/1", "", "subject", "text", {}, NOON)


def test_a_compressed_answer_that_was_not_asked_for_is_not_unpacked() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        bomb = httpx.ByteStream(gzip.compress(b"unpacked " * 1_000_000))
        return httpx.Response(400, headers={"Content-Encoding": "gzip"}, stream=bomb)

    channel = WebhookChannel("https://duty.example", [b"key"], transport=httpx.MockTransport(answer))
    with pytest.raises(TargetRefused, match=r"^400: Bad Request$"):
        channel.send(NOTICE)
    assert seen[0].headers["accept-encoding"] == "identity"
