"""Notes which test failed, when and why, for `make test`, whose two lanes fill the screen."""

import os
import time
from pathlib import Path

import pytest

FAILURES = "QUANTRAC_TEST_FAILURES"
"""Environment variable: file to which every failure adds a line, time in ns, TAB, test and reason."""


def note_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Add a line where somebody asked for it; both lanes append to the same file."""
    file = os.environ.get(FAILURES)
    if file and report.failed:
        with Path(file).open("a", encoding="utf-8", errors="backslashreplace") as failures:
            failures.write(f"{time.time_ns()}\t{report.nodeid}: {reason(report)}\n")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the first line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash is not None else str(report.longrepr)).strip().splitlines()
    # The last line of a collection error names the exception, the first only the file.
    line = (lines[0] if crash is not None else lines[-1]) if lines else "no reason given"
    return str(line)[:300]
