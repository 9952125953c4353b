"""``quantrac down``: stop what `quantrac up` started."""

import signal

import click
import psutil

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.waiting import wait_until

_STOP_SECONDS = 60


@click.command()
@data_option
@one_sentence
def down(data: DataDir) -> None:
    """Stop the stack of this folder and wait until all its processes have ended; nothing is deleted."""
    state = data.read_state()
    if state is None:
        echo(f"nothing runs in {data.root}")
        return
    psutil.Process(state.pid).send_signal(signal.SIGTERM)
    if not wait_until(lambda: not state.is_running(), _STOP_SECONDS):
        raise LocalError(f"Process {state.pid} has not ended within {_STOP_SECONDS} s.")
    echo("stopped")
