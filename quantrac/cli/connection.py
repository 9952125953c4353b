"""The options of commands that send by FTP: where to, as whom."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from quantrac.cli.options import data_option
from quantrac.domain.plain_text import escape
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir
from quantrac.local.simulator.ftp_sender import FtpSender, parse_address
from quantrac.local.stack import Stack

Command = TypeVar("Command", bound=Callable[..., Any])

PASSWORD_VARIABLE = "QUANTRAC_PASSWORD"  # noqa: S105 (the name of a variable)


@dataclass(frozen=True, slots=True)
class Connection:
    """A server, and where the passwords of its accounts may be found."""

    address: tuple[str, int]
    password_env: str
    data: DataDir

    def sender(self, account: str) -> FtpSender:
        """Return a sender for an account; asks for the password where nothing else knows it."""
        password = (
            os.environ.get(self.password_env)
            or self.data.known_secret(f"account/{account}")
            or click.prompt(escape(f"Password of {account}"), hide_input=True)
        )
        return FtpSender(*self.address, account, password)


def connection_options(command: Command) -> Command:
    """Add ``--ftp``, ``--password-env`` and ``--data``, handed over as ``connection``.

    Without ``--ftp``, the stack in the data folder is meant, and the demo's passwords are found there.
    """

    @data_option
    @click.option(
        "--password-env",
        default=PASSWORD_VARIABLE,
        show_default=True,
        metavar="NAME",
        help="Environment variable that holds the password; else the demo's, else the command asks.",
    )
    @click.option(
        "--ftp",
        envvar="QUANTRAC_FTP",
        show_envvar=True,
        metavar="HOST:PORT",
        help="Server to send to; by default that of the stack in the data folder.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, data: DataDir, ftp: str | None, password_env: str, **kwargs: Any) -> Any:
        server = ftp or Stack.read(data).local_url("ftp").removeprefix("ftp://")
        try:
            address = parse_address(server)
        except UserError as error:
            raise click.BadParameter(str(error), param_hint="--ftp") from error
        return command(*args, connection=Connection(address, password_env, data), **kwargs)

    return wrapped  # type: ignore[return-value]
