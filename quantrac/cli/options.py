"""Options that several commands share."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError

Command = TypeVar("Command", bound=Callable[..., Any])


def data_option(command: Command) -> Command:
    """Add ``--data``, handed over as a ``DataDir``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".quantrac"),
        show_default=True,
        envvar="QUANTRAC_DATA",
        callback=lambda _, __, path: DataDir(path.resolve()),
        help="Folder that holds everything the stack keeps.",
    )(command)


def one_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Print what the user can put right as one sentence, and exit with status 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (LocalError, ValueError) as error:
            echo(f"quantrac: {error}", err=True)
            sys.exit(1)

    return wrapped
