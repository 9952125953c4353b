"""Notes how long tests took, for `make test`, which names the slowest of all its pytests together."""

import os
from pathlib import Path

import pytest

DURATIONS = "QUANTRAC_TEST_DURATIONS"
"""Environment variable: file to which each phase of a test that took long adds a line."""
_LEAST_SECONDS = 0.5


def note_duration(report: pytest.TestReport) -> None:
    """Add seconds, phase (setup, call, teardown) and test where somebody asked for it."""
    file = os.environ.get(DURATIONS)
    if file and report.duration >= _LEAST_SECONDS:
        with Path(file).open("a", encoding="utf-8") as durations:
            durations.write(f"{report.duration:.2f} s {report.when} {report.nodeid}\n")
