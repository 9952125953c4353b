"""``quantrac down``: stop what `quantrac up` started."""

import signal

import click
import psutil

from quantrac.cli.options import data_option, one_sentence
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError

_STOP_SECONDS = 60


@click.command()
@data_option
@one_sentence
def down(data: DataDir) -> None:
    """Stop the stack of this folder and wait until all its processes have ended; nothing is deleted."""
    state = data.read_state()
    if state is None:
        click.echo(f"nothing runs in {data.root}")
        return
    supervisor = psutil.Process(state.pid)
    supervisor.send_signal(signal.SIGTERM)
    try:
        supervisor.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        raise LocalError(f"Process {state.pid} has not ended within {_STOP_SECONDS} s.") from None
    click.echo("stopped")
