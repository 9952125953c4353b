"""``--registry``: the registry of a command that needs nothing running, a folder or a workbook."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:  # the models take a second to import
    from schemas.registry import Record

Command = TypeVar("Command", bound=Callable[..., Any])


def registry_option(help: str, *, required: bool = False) -> Callable[[Command], Command]:
    """Add ``--registry``, handed over as ``source``: what :func:`load_registry` reads."""
    return click.option(
        "--registry",
        "source",
        type=click.Path(exists=True, path_type=Path),
        required=required,
        metavar="DIR|FILE.xlsx",
        help=help,
    )


def load_registry(source: Path) -> "list[Record]":
    """Return the records of a folder or a workbook; raises UserError naming all mistakes."""
    if source.is_dir():
        from schemas.registry import load_directory

        return load_directory(source)
    from quantrac.cli.registry_source import read_source  # it needs a library that the light install lacks

    reading = read_source(source, None)
    reading.check()
    return reading.records
