"""``quantrac status``: what the stack is doing."""

import json
import sys
from typing import Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.waiting import wait_until


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--wait", is_flag=True, help="Wait until every process is ready.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait with --wait.")
@one_sentence
def status(data: DataDir, as_json: bool, wait: bool, timeout: float) -> None:
    """Show processes, addresses, counts by tier and how many messages wait before each consumer group.

    Exit status: 0 all is ready, 1 it is not.
    """

    def is_ready() -> bool:
        state = data.read_state()
        return state is not None and state.is_ready

    if wait:
        wait_until(is_ready, timeout)
    from quantrac.local.stack import Stack

    stack = Stack.read(data)
    from quantrac.local.status import StackStatus  # with the clients of both stores, which take a second

    report = StackStatus(stack).read()
    echo(json.dumps(report, indent=2) if as_json else _text(report))
    sys.exit(0 if report["state"] == "ready" else 1)


def _text(state: dict[str, Any]) -> str:
    lines = [f"{state['state']}", ""]
    for process in state["processes"]:
        rss = f"{process['rss'] / 2**20:.0f} MiB" if process["rss"] else ""
        lines.append(
            f"{process['name']:32} {process['state']:9} pid {process['pid'] or '-':<8} "
            f"restarts {process['restarts']:<3} {rss:>9}"
        )
        if process["reason"]:
            lines.append(f"  {process['reason']}")
    lines += [f"note: {note}" for note in state.get("notes", ())]
    for tier, urls in state["urls"].items():
        lines += ["", f"{tier}:"]
        for name, url in urls.items():
            listens = state["listens"][tier].get(name, "")
            apart = f"  (listens on {listens})" if listens not in url else ""
            lines.append(f"  {name:11} {url}{apart}")
        counts = state["counts"].get(tier, {})
        lines += [f"  {name:11} {value:,}" for name, value in counts.items()]
        if not counts and state["processes"]:
            lines.append("  counts are not known: ClickHouse does not answer, or has no tables yet")
    if state["demo"]:
        lines += ["", "`quantrac keys demo` prints the demo's API key"]
    lines += ["", "messages waiting, by consumer group (lag):"]
    lines += [f"  {group:32} {messages:,}" for group, messages in state["lag"].items()]
    if not state["lag"] and state["processes"]:
        lines.append("  not known: the broker does not answer yet")
    return "\n".join(lines)
