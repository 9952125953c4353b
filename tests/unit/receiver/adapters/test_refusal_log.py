"""Refused requests are counted and said at a bounded pace, with nothing of what was in them."""

import pytest

from services.receiver.adapters.http.refusal_log import RefusalLog


class Bench:
    """A log whose clock the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.log = RefusalLog(monotonic=lambda: self.seconds)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_refusals_are_said_once_a_minute_with_their_counts(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.log.say()
    assert said(caplog) == []
    bench.log.note(413, "/v1/deliveries", "hanoi")
    bench.log.say()
    for second in range(1, 60):
        bench.seconds = second
        bench.log.note(401, "/v1/deliveries", "203.0.113.7")
        bench.log.say()
    bench.log.note(415, "/v1/files", "hue")
    bench.seconds = 60.0
    bench.log.say()
    bench.log.say()
    assert said(caplog) == [
        "refused requests: 1 × 413 /v1/deliveries; the last of hanoi",
        "refused requests: 59 × 401 /v1/deliveries, 1 × 415 /v1/files; the last of hue",
    ]


def test_a_stranger_who_asks_for_anything_makes_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    for number in range(1000):
        bench.log.note(404, f"/{number}/{'x' * 5000}", "203.0.113.7")
    bench.log.say()
    (line,) = said(caplog)
    assert "950 × 404 elsewhere" in line
    assert len(line) < 5000
