"""The options of commands that send by FTP: where to, as whom."""

import functools
import os
import ssl
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

    ftp: str | None
    """``HOST:PORT``; ``None`` = that of the stack in the data folder."""
    password_env: str
    data: DataDir
    tls: bool = False
    """Whether a server that is named takes TLS; that of the stack says so itself."""

    def sender(self, account: str) -> FtpSender:
        """Return a sender for an account; raises ``click.BadParameter`` for what is no address."""
        if self.ftp:
            server, context = self.ftp, ssl.create_default_context() if self.tls else None
        else:
            stack = Stack.read(self.data)
            server, context = stack.local_url("ftp").removeprefix("ftp://"), _own_context(stack)
        try:
            address = parse_address(server)
        except UserError as error:
            raise click.BadParameter(str(error), param_hint="--ftp") from error
        return FtpSender(*address, account, self.password(account), tls=context)

    def password(self, account: str) -> str:
        """Return the password of an account; asks for it where nothing else knows it."""
        password: str = (
            os.environ.get(self.password_env)
            or self.data.known_secret(f"account/{account}")
            or click.prompt(escape(f"Password of {account}"), hide_input=True)
        )
        return password


def connection_options(command: Command) -> Command:
    """Add ``--ftp``, ``--tls``, ``--password-env`` and ``--data``, handed over as ``connection``.

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
    @click.option(
        "--tls",
        is_flag=True,
        help="FTP with TLS, its certificate checked; without --ftp that is so where the stack has one.",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, data: DataDir, ftp: str | None, tls: bool, password_env: str, **kwargs: Any
    ) -> Any:
        return command(*args, connection=Connection(ftp, password_env, data, tls), **kwargs)

    return wrapped  # type: ignore[return-value]


def _own_context(stack: Stack) -> ssl.SSLContext | None:
    """Trust the certificate of this machine's own FTP, whatever name it is for; None where it has none."""
    if "ftp.certificate" not in stack.configuration.values:
        return None
    context = ssl.create_default_context(cafile=stack.configuration.path_of("ftp.certificate"))
    context.check_hostname = False  # it is for the name that stations use, and this is the loopback address
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
