"""``quantrac outbox``: the files that go to another system by FTP, FTPS or SFTP."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.shown_times import show_time
from quantrac.cli.terminal import count, echo
from quantrac.cli.time_options import TIME
from quantrac.domain.times import to_iso
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir
from quantrac.local.stack import OUTBOX_FOLDER

if TYPE_CHECKING:  # SQLite is opened by those who ask something
    from quantrac.io.outbox import Outbox
    from quantrac.io.outbox_files import Entry

STATES = ("waiting", "could-not-connect", "transfer-error", "refused", "sent", "empty")
"""Those of :class:`quantrac.io.outbox_files.State`."""
_DONE = ("sent", "empty")

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def outbox() -> None:
    """Files on their way to a file target: list them, send them again."""


def _selection_options(command: Command) -> Command:
    options = [
        data_option,
        click.option(
            "--folder",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="QUANTRAC_FILE_TARGET_DATA",
            show_envvar=True,
            help="Folder of the outbox, where the role runs outside the stack of --data.",
        ),
        click.option("--station", default="", metavar="CODE", help="Only files of this station."),
        click.option("--from", "start", type=TIME, help="Only files measured at or after."),
        click.option("--to", "end", type=TIME, help="Only files measured before."),
        click.option(
            "--state",
            "states",
            type=click.Choice(STATES),
            multiple=True,
            help="Only files in this state; may be given several times.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@outbox.command("list")
@_selection_options
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="How many files at most."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@one_sentence
def list_(
    *,
    data: DataDir,
    folder: Path | None,
    station: str,
    start: datetime | None,
    end: datetime | None,
    states: Sequence[str],
    limit: int,
    as_json: bool,
) -> None:
    """Show how many files are in each state, and those that are neither sent nor empty, the latest first.

    With --state, those of that state.

    \b
      quantrac outbox list --state refused
    """
    from quantrac.io.outbox_files import Filter, State

    shown = [State(state) for state in states or STATES if state in states or state not in _DONE]
    with _open(data, folder) as files:
        counts = files.counts(Filter(station, start, end))
        entries = files.entries(Filter(station, start, end, shown), limit)
    if as_json:
        rows = [_row(entry) for entry in entries]
        echo(json.dumps({"counts": {str(state): n for state, n in counts.items()}, "files": rows}, indent=2))
        return
    echo("  ".join(f"{state} {number:,}" for state, number in counts.items()))
    for entry in entries:
        tries = f" at try {entry.tries:,}" if entry.tries else ""
        echo(f"{entry.name}  {entry.state}{tries}, {show_time(entry.state_at)}")
        if entry.reason:
            echo(f"    {entry.reason}")
    more = sum(counts[state] for state in shown) - len(entries)
    if more:
        echo(f"{count(more, 'more file')}; --limit shows them")


@outbox.command()
@_selection_options
@click.option("--all", "is_all", is_flag=True, help="Every file of the outbox.")
@one_sentence
def resend(
    *,
    data: DataDir,
    folder: Path | None,
    station: str,
    start: datetime | None,
    end: datetime | None,
    states: Sequence[str],
    is_all: bool,
) -> None:
    """Send files again, with the same names and bytes: those of a station, a span of times, a state, or all.

    The role sends them within seconds, in the order of their times.

    \b
      quantrac outbox resend --state refused
      quantrac outbox resend --station HN_DEMO_KHI001 --from 2026-03-25 --to 2026-03-26
    """
    from quantrac.io.outbox_files import Filter, State

    if is_all == bool(station or start or end or states):
        raise click.UsageError("Say which files: --station, --from, --to, --state; or --all.")
    with _open(data, folder) as files:
        number = files.resend(Filter(station, start, end, [State(state) for state in states]))
    echo(f"{count(number, 'file')} will be sent again")


@contextmanager
def _open(data: DataDir, folder: Path | None) -> "Iterator[Outbox]":
    """Open the outbox of a folder, or of the province of a stack."""
    from quantrac.io.outbox import OUTBOX_FILE, Outbox, OutboxUnavailable

    if folder is None:
        data.refuse_another_owner()
        folder = data.root / "province" / OUTBOX_FOLDER
    path = folder / OUTBOX_FILE
    if not path.exists():
        raise UserError(
            f"there is no outbox in {folder}; the role forwarder.files makes it at its first start"
        )
    try:
        files = Outbox(path)
        try:
            yield files
        finally:
            files.close()
    except OutboxUnavailable as error:
        raise UserError(f"{path}: {error}") from error


def _row(entry: "Entry") -> dict[str, Any]:
    return {
        "station": entry.group,
        "name": entry.name,
        "folder": entry.folder,
        "measured_at": to_iso(entry.time),
        "state": entry.state,
        "tries": entry.tries,
        "changed_at": to_iso(entry.changed_at),
        "state_at": to_iso(entry.state_at),
        "reason": entry.reason,
    }
