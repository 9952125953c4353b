"""What `quantrac up` shows while it runs."""

import threading
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from quantrac.local.preparation import demo_api_key
from quantrac.local.stack import Stack
from quantrac.local.status import StackStatus
from quantrac.local.supervisor import Supervisor

_EVERY_SECONDS = 2.0  # each look costs two queries and a few milliseconds of the broker

_SHOWN = "HN_DEMO_KHI001"

_COLUMNS = {
    "files in": "files",
    "readings flagged": "flagged",
    "rows stored": "rows",
    "averages": "averages",
    "delivered": "delivered",
}


def show_start(supervisor: Supervisor, done: threading.Event) -> None:
    """Wait until every process answers, naming the first that does not yet when somebody watches."""
    with Console().status("starting") as status:
        while not done.wait(0.1) and not (state := supervisor.state).is_ready:
            waiting = [process.name for process in state.processes if process.is_awaited]
            ready = len(state.processes) - len(waiting)
            status.update(f"{ready} of {len(state.processes)} processes ready, waiting for {waiting[0]}")


def greeting(stack: Stack, *, show_key: bool) -> str:
    """Return what a person needs to begin: addresses, and for the demo a key with commands to try.

    Without ``show_key`` the command that prints the key stands in its place: what is read later by others,
    such as a log, must not hold it.
    """
    lines = []
    for tier, urls in stack.urls().items():
        lines += [f"{tier}", *(f"  {name:11} {url}" for name, url in urls.items()), ""]
    if stack.demo:
        api = stack.urls()["province"]["api"]
        lines += [
            "Try, in another terminal:",
            f"  KEY={demo_api_key(stack.data) if show_key else '$(quantrac keys demo)'}",
            f'  curl -H "X-Api-Key: $KEY" {api}/v1/stations',
            f'  curl -H "X-Api-Key: $KEY" {api}/v1/stations/{_SHOWN}/latest',
            f'  curl -H "X-Api-Key: $KEY" "{api}/v1/averages?station={_SHOWN}&parameter=PM2.5"',
            f"The API is described at {api}/docs",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C stops everything; the next start goes on where this one ended."])


def show_counts(stack: Stack, done: threading.Event) -> None:
    """Keep a small table of what comes through up to date until ``done``."""
    status = StackStatus(stack)
    prefixes: dict[str, str] = {tier.name: tier.prefix for tier in stack.tiers}
    with Live(_table({}, {}, prefixes), auto_refresh=False) as live:
        while not done.wait(_EVERY_SECONDS):
            live.update(_table(status.counts(), status.lag(), prefixes), refresh=True)


def _table(counts: dict[str, dict[str, int]], lag: dict[str, int], prefixes: Mapping[str, str]) -> Table:
    """Return the counts by tier; ``prefixes``: tier → what its consumer groups begin with."""
    table = Table("tier", *_COLUMNS, "lag")
    for tier, values in counts.items():
        own = [messages for group, messages in lag.items() if group.startswith(prefixes[tier])]
        behind: Any = sum(own) if lag else "?"
        table.add_row(tier, *(f"{values[name]:,}" for name in _COLUMNS.values()), f"{behind}")
    return table
