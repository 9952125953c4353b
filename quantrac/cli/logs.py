"""``quantrac logs``: what the processes wrote."""

from collections import deque

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError


@click.command()
@click.argument("name", required=False)
@data_option
@click.option("--lines", default=40, show_default=True, help="How many of the last lines.")
@one_sentence
def logs(name: str | None, data: DataDir, lines: int) -> None:
    """Print the last lines of the log of process NAME; without NAME, list the logs."""
    files = {file.stem: file for file in sorted(data.logs.glob("*.log"))}
    if name is None:
        echo("\n".join(f"{stem:32} {file.stat().st_size:>10,} bytes" for stem, file in files.items()))
        return
    if name not in files:
        raise LocalError(f"There is no log of {name}; there are {', '.join(files) or 'none yet'}.")
    with files[name].open(encoding="utf-8", errors="replace") as log:
        echo("".join(deque(log, maxlen=lines)), nl=False)
