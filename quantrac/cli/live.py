"""What `quantrac up` shows while it runs."""

import threading
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from quantrac.local.preparation import demo_api_key
from quantrac.local.stack import Stack
from quantrac.local.status import StackStatus
from quantrac.local.supervisor import Supervisor

_EVERY_SECONDS = 2.0  # each look costs two queries and a few milliseconds of the broker

_COLUMNS = {
    "files in": "files",
    "readings flagged": "flagged",
    "rows stored": "rows",
    "averages": "averages",
    "delivered": "delivered",
}


def show_start(supervisor: Supervisor, done: threading.Event) -> None:
    """Wait until every process answers, naming those that do not yet when somebody watches."""
    console = Console()
    with console.status("starting") as status:
        while not done.wait(0.1) and not supervisor.state.is_ready:
            waiting = [p.name for p in supervisor.state.processes if p.phase.value != "ready"]
            status.update(f"waiting for {', '.join(waiting)}")


def greeting(stack: Stack) -> str:
    """Return what a person needs to begin: addresses, and for the demo a key with commands to try."""
    urls = stack.urls()
    lines = [f"{tier}: {what} {url}" for tier, by_name in urls.items() for what, url in by_name.items()]
    if stack.demo:
        api, key = urls["province"]["api"], demo_api_key(stack.data)
        lines += [
            "",
            f"API key of this demo: {key}",
            f"  curl -H 'X-Api-Key: {key}' {api}/v1/stations",
            f"  curl -H 'X-Api-Key: {key}' {api}/v1/stations/HN_DEMO_KHI001/latest",
            f"API documentation: {api}/docs",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops everything; `quantrac up` goes on where it ended."])


def show_counts(stack: Stack, done: threading.Event) -> None:
    """Keep a small table of what comes through up to date until ``done``."""
    status = StackStatus(stack)
    with Live(_table({}, {}), auto_refresh=False) as live:
        while not done.wait(_EVERY_SECONDS):
            live.update(_table(status.counts(), status.lag()), refresh=True)


def _table(counts: dict[str, dict[str, int]], lag: dict[str, int]) -> Table:
    table = Table("tier", *_COLUMNS, "lag")
    for tier, values in counts.items():
        behind: Any = (
            sum(messages for group, messages in lag.items() if _tier_of(group) == tier) if lag else "?"
        )
        table.add_row(tier, *(f"{values[name]:,}" for name in _COLUMNS.values()), f"{behind}")
    return table


def _tier_of(group: str) -> str:
    return "ministry" if group.startswith("ministry.") else "province"
