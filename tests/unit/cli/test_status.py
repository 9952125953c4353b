"""What `quantrac status` says while a stack starts."""

from typing import Any

from quantrac.cli.status import _text

PROCESS = {"name": "broker", "pid": 7, "state": "starting", "reason": "", "restarts": 0, "rss": None}


def report(**parts: Any) -> dict[str, Any]:
    urls = {"province": {"api": "http://127.0.0.1:8080"}}
    return {
        "state": "starting",
        "demo": False,
        "processes": [PROCESS],
        "urls": urls,
        "listens": {"province": {}},
        "notes": [],
        "counts": {},
        "lag": {},
    } | parts


def test_counts_and_lag_that_are_not_known_are_said_to_be_so() -> None:
    text = _text(report())
    assert "counts are not known: ClickHouse does not answer, or has no tables yet" in text
    assert "messages waiting, by consumer group (lag):\n  not known: the broker does not answer yet" in text


def test_what_is_known_is_shown() -> None:
    text = _text(report(counts={"province": {"files": 241}}, lag={"aggregator.sink": 1200}))
    assert "files       241" in text
    assert "aggregator.sink                  1,200" in text
    assert "known" not in text


def test_a_stack_that_is_stopped_has_nothing_to_be_known() -> None:
    assert "known" not in _text(report(state="stopped", processes=[]))


def test_only_a_demo_has_a_key_to_be_printed() -> None:
    command = "`quantrac keys demo` prints the demo's API key"
    assert command in _text(report(demo=True))
    assert command not in _text(report(urls={"ministry": {}}, listens={"ministry": {}}))
