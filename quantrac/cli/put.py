"""``quantrac put``: send existing files, and say what the server answered."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import click

from quantrac.cli.connection import Connection, connection_options
from quantrac.cli.mistakes import one_sentence
from quantrac.cli.terminal import echo
from quantrac.domain.parsing import station_code_from_name
from quantrac.local.demo import account_name
from quantrac.local.simulator import NotAcknowledged, day_folder


class _Sender(Protocol):
    """Sends files as one account."""

    def send(self, folder: str, name: str, content: bytes) -> str:
        """Send a file and return the server's answer; raises ``NotAcknowledged``."""

    def close(self) -> None:
        """Take leave of the server."""


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--folder",
    metavar="yyyy/MM/dd",
    help="Folder below the account's own; by default that of the day in the file's name.",
)
@click.option(
    "--account",
    envvar="QUANTRAC_ACCOUNT",
    show_envvar=True,
    help="Name of the account; by default the station's code in lower case, with - for _.",
)
@click.option(
    "--http",
    metavar="URL",
    help="Send over HTTP instead, such as to http://127.0.0.1:8021; the answer says what was read.",
)
@click.option("--dry-run", is_flag=True, help="With --http: ask what would be read, and have nothing kept.")
@one_sentence
@connection_options
def put(
    *,
    files: tuple[Path, ...],
    folder: str | None,
    account: str | None,
    http: str | None,
    dry_run: bool,
    connection: Connection,
) -> None:
    """Send FILES by FTP, as a station's logger would, or over HTTP.

    Prints the server's answer for each file. Exit status 1 when one was not acknowledged.

    \b
      quantrac put HN_DEMO_KHI001_20260325000500.txt
      QUANTRAC_PASSWORD=... quantrac put --ftp ftp.example.org:21 --account my-station FILE...
    """
    if dry_run and http is None:
        raise click.UsageError("--dry-run needs --http URL: FTP keeps what it takes.")

    def open_sender(name: str) -> _Sender:
        if http is None:
            return connection.sender(name)
        # Its library takes longer to import than the command without it.
        from quantrac.cli.http_sender import HttpSender

        return HttpSender(http, name, connection.password(name), dry_run=dry_run)

    failed = 0
    senders: dict[str, _Sender] = {}
    with ExitStack() as opened:
        for file in files:
            name = account or account_name(station_code_from_name(file.name))
            if not name:
                raise click.UsageError(f"{file.name} names no station: give --account.")
            if name not in senders:
                senders[name] = sender = open_sender(name)
                opened.callback(sender.close)
            try:
                target = day_folder(file.name) if folder is None else folder
                echo(f"{file.name}: {senders[name].send(target, file.name, file.read_bytes())}")
            except NotAcknowledged as error:
                failed += 1
                echo(f"{file.name}: not acknowledged: {error}", err=True)
    sys.exit(1 if failed else 0)
