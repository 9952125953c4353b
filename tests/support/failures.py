"""Which test failed first, for the last line of a run."""

import pytest


def write_first_failure(session: pytest.Session) -> None:
    """Write test and reason of what failed first; nothing where nothing did, and nothing in a worker."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    reports = [*terminal.stats.get("error", ()), *terminal.stats.get("failed", ())] if terminal else []
    if reports:
        # What could not be collected has no time: it came before all tests.
        first = min(reports, key=lambda report: getattr(report, "stop", 0.0))
        terminal.ensure_newline()
        terminal.write_line(f"first failure: {first.nodeid}: {reason(first)}")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the first line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash is not None else str(report.longrepr)).strip().splitlines()
    # The last line of a collection error names the exception, the first only the file.
    line = (lines[0] if crash is not None else lines[-1]) if lines else "no reason given"
    return str(line)[:300]
