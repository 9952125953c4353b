"""``quantrac notify``: the people and programs that are told of alerts."""

import subprocess
import sys
from pathlib import Path

import click


@click.group()
def notify() -> None:
    """Who is told of alerts."""


@notify.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="QUANTRAC_NOTIFY_CONFIG",
    required=True,
    help="The notifier's configuration; its secrets come from the environment.",
)
@click.option("--target", default="", help="Only the target of this name.")
def test(config: Path, target: str) -> None:
    """Send each target one test message and print what it answered; exits with 1 when one did not take it."""
    # The sending is the service's own, in its own process like every service.
    command = [sys.executable, "-m", "services.aggregator.notify.trial", "--config", str(config)]
    sys.exit(subprocess.run([*command, *(["--target", target] if target else [])], check=False).returncode)
