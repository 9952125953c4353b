"""What docs/alerts.md shows of telling people: the file loads, the signature is verified."""

import re
import time
from pathlib import Path
from typing import Any

import httpx

from services.aggregator.notify.adapters.webhook import WebhookChannel
from services.aggregator.notify.config import Target, load_targets
from services.aggregator.notify.messages import trial
from support.folders import ROOT
from support.notify import EVENING, SECRET

PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the only block of a language after the heading."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE[PAGE.index("## Telling people") :], re.DOTALL)
    return str(found)


def test_the_example_loads(tmp_path: Path) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text(block("yaml"), encoding="utf-8")
    environment = {"QUANTRAC_MAIL_PASSWORD": "x", "QUANTRAC_CONTROL_SECRET": SECRET}
    officer, room = load_targets(file, environment)
    assert officer.smtp is not None and officer.smtp.to == ("duty@example.org", "office@example.org")
    assert [quiet.passing for quiet in officer.quiet] == ["critical"] * 3
    assert room.webhook is not None and room.limit[0] == 30


def test_every_key_of_a_target_is_explained() -> None:
    assert [name for name in Target.model_fields if f"`{name}`" not in PAGE] == []


def test_the_verification_holds_for_what_is_sent_and_for_nothing_else() -> None:
    found: dict[str, Any] = {}
    exec(block("python"), found)
    verified = found["verified"]
    got: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(204)

    for at in (time.time(), time.time() - 600):
        channel = WebhookChannel(
            "https://example.org/",
            (b"another secret of 24 bytes", b"stations send every 5 minutes"),
            clock=lambda at=at: at,
            transport=httpx.MockTransport(receive),
        )
        channel.send(trial("duty", "en", EVENING))
        channel.close()
    now, old = got
    assert verified(now.headers, now.content, SECRET)
    assert not verified(old.headers, old.content, SECRET)
    assert not verified(now.headers, now.content + b" ", SECRET)
    assert not verified(now.headers, now.content, "whsec_" + "A" * 32)
