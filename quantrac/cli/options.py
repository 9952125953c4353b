"""Options that several commands share."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from quantrac.domain.written_times import read_written
from quantrac.local.datadir import DataDir

Command = TypeVar("Command", bound=Callable[..., Any])


class TimeWithoutZone(click.ParamType):
    """A date or a time on a clock that the option's help names; 24:00 is midnight."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return it without a zone."""
        try:
            time = value if isinstance(value, datetime) else read_written(value)
        except ValueError as error:
            self.fail(f"{error}; write it as 2026-03-25 or 2026-03-25T00:05", param, ctx)
        if time.tzinfo is not None:
            self.fail(f"{value!r} names a zone, and this time has none", param, ctx)
        return time


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
