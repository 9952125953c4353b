"""How the workers of `make test` share the tests: a file each, those of the whole stack together."""

from collections.abc import Generator

import pytest
from xdist.scheduler import LoadScopeScheduling

STACK = "tests/e2e/"
"""The folder whose tests share one stack."""


class FileScheduling(LoadScopeScheduling):
    """Hands out files in the order of collection; one worker has all tests of the whole stack."""

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid.partition("::")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make each report one that a worker can send, whatever a test has printed or compared."""
    report = yield
    report.sections = [(title, _printable(text)) for title, text in report.sections]
    if report.longrepr and (text := report.longreprtext) != _printable(text):
        report.longrepr = _printable(text)
    return report


def _printable(text: str) -> str:
    """Write as escapes what UTF-8 does not have, such as half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
