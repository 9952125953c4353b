"""What the log of the parser says of rejected lines, and how often."""

import logging
from datetime import UTC, datetime

import pytest

from quantrac.domain.readings import ReadingSet, Reject
from services.receiver.parse.reject_log import RejectLog


def reading_set(*reasons: str, station: str = "HN_A") -> ReadingSet:
    made = ReadingSet(station, "f" * 64, "f.txt", "bkhn", "ftp", datetime(2026, 3, 25, tzinfo=UTC), "")
    made.rejects = [Reject(n, "x", reason, f"Sentence {n}.") for n, reason in enumerate(reasons, start=1)]
    return made


def test_rejects_are_counted_by_reason_and_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    seconds = 0.0
    reject_log = RejectLog(monotonic=lambda: seconds, pause=60.0)
    with caplog.at_level(logging.WARNING):
        reject_log.note([reading_set()])
        assert caplog.messages == []
        reject_log.note([reading_set("bad-time", "bad-time", "unknown-parameter")])
        for _ in range(100):
            reject_log.note([reading_set("bad-time")])
        reject_log.note([reading_set("unknown-station", station="")])
        assert caplog.messages == [
            "rejected lines of 1 files: 2 bad-time, 1 unknown-parameter;"
            " such as HN_A, f.txt, line 1: Sentence 1."
        ]
        seconds = 60.0
        reject_log.note([])
        reject_log.note([])
    assert caplog.messages[1:] == [
        "rejected lines of 101 files: 100 bad-time, 1 unknown-station;"
        " such as account bkhn, f.txt, line 1: Sentence 1."
    ]
