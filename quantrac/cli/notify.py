"""``quantrac notify``: the people and programs that are told of alerts."""

import os
import subprocess
import sys
from pathlib import Path

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir


@click.group()
def notify() -> None:
    """Who is told of alerts."""


@notify.command()
@data_option
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="QUANTRAC_NOTIFY_CONFIG",
    help="File of the targets, whose secrets come from the environment; by default that of the data folder's "
    "configuration, with its secrets.",
)
@click.option("--target", default="", help="Only the target of this name.")
@one_sentence
def test(data: DataDir, config: Path | None, target: str) -> None:
    """Send each target one test message and print what it answered.

    Exit status: 0 each took it, 1 one did not.
    """
    environment = dict(os.environ)
    if config is None:
        from quantrac.local.configuration import Configuration

        configuration = Configuration.read(data.root)
        if not configuration.has("notify"):
            raise UserError(f"{configuration.file} has no section `notify`; give --config or --data")
        config = configuration.path_of("notify.targets")
        environment |= configuration.notify_secrets()
    # The sending is the service's own, in its own process like every service.
    command = [sys.executable, "-m", "services.aggregator.notify.trial", "--config", str(config)]
    command += ["--target", target] if target else []
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)
