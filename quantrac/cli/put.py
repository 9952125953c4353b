"""``quantrac put``: send existing files, and say what the server answered."""

import sys
from pathlib import Path

import click

from quantrac.cli.connection import ftp_options, open_sender
from quantrac.local.simulator import NotAcknowledged, day_folder


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--folder",
    metavar="yyyy/MM/dd",
    help="Folder below the account's own; by default that of the day in the file's name.",
)
@ftp_options
def put(
    *,
    files: tuple[Path, ...],
    folder: str | None,
    ftp: tuple[str, int],
    account: str | None,
    password_env: str,
) -> None:
    """Send FILES by FTP, as a station's logger would.

    Prints the server's answer for each file. Ends with 1 when one was not acknowledged.
    """
    if not account:
        raise click.UsageError("No account: give --account or set QUANTRAC_ACCOUNT.")
    failed = 0
    with open_sender(ftp, account, password_env) as sender:
        for file in files:
            try:
                target = day_folder(file.name) if folder is None else folder
                click.echo(f"{file.name}: {sender.send(target, file.name, file.read_bytes())}")
            except NotAcknowledged as error:
                failed += 1
                click.echo(f"{file.name}: not acknowledged: {error}", err=True)
    sys.exit(1 if failed else 0)
