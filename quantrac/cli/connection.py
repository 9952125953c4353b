"""The options of commands that send by FTP: where to, as whom."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from quantrac.local.simulator.ftp_sender import FtpSender, parse_address

Command = TypeVar("Command", bound=Callable[..., Any])

PASSWORD_VARIABLE = "QUANTRAC_PASSWORD"  # noqa: S105 (the name of a variable)


def _address(_: click.Context, __: click.Parameter, text: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def ftp_options(command: Command) -> Command:
    """Add ``--ftp``, ``--account`` and ``--password-env``."""
    for option in (
        click.option(
            "--password-env",
            default=PASSWORD_VARIABLE,
            show_default=True,
            metavar="NAME",
            help="Environment variable that holds the password; without it, the command asks.",
        ),
        click.option("--account", envvar="QUANTRAC_ACCOUNT", show_envvar=True, help="Name of the account."),
        click.option(
            "--ftp",
            envvar="QUANTRAC_FTP",
            show_envvar=True,
            required=True,
            callback=_address,
            metavar="HOST:PORT",
            help="Server to send to.",
        ),
    ):
        command = option(command)
    return command


def open_sender(address: tuple[str, int], account: str, password_env: str) -> FtpSender:
    """Return a sender for an account; asks for the password where the environment has none."""
    password = os.environ.get(password_env) or click.prompt(f"Password of {account}", hide_input=True)
    return FtpSender(*address, account, password)
