"""What a line of the log looks like, whatever it names."""

import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from quantrac.io import logs

FORGED = "refused.txt\n2026-01-01T00:00:00.000Z INFO hn.api quantrac: all is well\r\x1b[2J\x85\u2028\u202eb"
ESCAPED = r"refused.txt\n2026-01-01T00:00:00.000Z INFO hn.api quantrac: all is well\r\x1b[2J\x85\u2028\u202eb"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process writes after `configure`."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root.handlers = []
    logs.configure("INFO", "hn.receiver.intake")
    yield stream
    root.handlers, root.level = handlers, level


def test_a_name_from_outside_stays_within_its_line(written: io.StringIO) -> None:
    logging.getLogger("door").warning("%s: refused", FORGED)
    lines = written.getvalue().split("\n")
    assert lines[0].endswith(f"Z WARNING hn.receiver.intake door: {ESCAPED}: refused")
    assert lines[1:] == [""]


def test_vietnamese_and_units_are_written_as_they_are(written: io.StringIO) -> None:
    logging.getLogger("door").info("Trạm Hà Nội: 14.91 µg/m³")
    assert written.getvalue().endswith("door: Trạm Hà Nội: 14.91 µg/m³\n")


def test_a_traceback_keeps_its_lines_and_none_looks_like_a_message(written: io.StringIO) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger("door").exception("failed")
    first, *trace, end = written.getvalue().split("\n")
    assert first.endswith("door: failed")
    assert trace[0] == "  Traceback (most recent call last):"
    assert "    raise ValueError(FORGED)" in [line.removeprefix("  ") for line in trace]
    assert all(line.startswith("  ") for line in trace)
    assert "".join(trace).isprintable()
    assert end == ""


@pytest.mark.parametrize("in_thread", [False, True])
def test_an_error_that_ends_a_process_or_a_thread_is_written_the_same_way(
    written: io.StringIO, in_thread: bool
) -> None:
    def fail() -> None:
        raise ValueError(FORGED)

    if in_thread:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    else:
        with pytest.raises(ValueError, match="refused") as raised:
            fail()
        sys.excepthook(ValueError, raised.value, raised.tb)
    first, *trace, end = written.getvalue().split("\n")
    assert " CRITICAL hn.receiver.intake " in first
    assert trace
    assert all(line.startswith("  ") and line.isprintable() for line in trace)
    assert end == ""


def test_a_thread_that_exits_on_purpose_writes_nothing(written: io.StringIO) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert written.getvalue() == ""
