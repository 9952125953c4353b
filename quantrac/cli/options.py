"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from quantrac.local.datadir import DataDir

Command = TypeVar("Command", bound=Callable[..., Any])


def data_option(command: Command) -> Command:
    """Add ``--data``, handed over as a ``DataDir``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".quantrac"),
        show_default=True,
        envvar="QUANTRAC_DATA",
        show_envvar=True,
        callback=lambda _, __, path: DataDir(path.resolve()),
        help="Folder that holds everything the stack keeps, and its configuration.",
    )(command)
