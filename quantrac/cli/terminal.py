"""All that the command prints goes through here, so that what others wrote never steers a terminal.

Names, lines of files, answers of servers and of targets may hold anything; control characters in them are
shown as in a literal (``\\x1b``). Only line breaks and tabs pass.
"""

import csv
import sys
from typing import Any, TextIO

import click

from quantrac.domain.plain_text import escape

_KEPT = "\n\t"


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on standard output, or standard error."""
    click.echo(escape(text, keep=_KEPT), err=err, nl=nl)


def say(step: str) -> None:
    """Say on a terminal what a command does next; a pipe or a file gets nothing of it."""
    if sys.stderr.isatty():
        echo(f"{step} ...", err=True)


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "record"), count(2000, "record")
    ('1 record', '2,000 records')
    """
    return f"{number:,} {noun}{'s'[: number != 1]}"


class _Escaped:
    """A stream for :mod:`csv`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(escape(text, keep=_KEPT))


def csv_writer() -> Any:
    """Return a writer of :mod:`csv` on standard output, UTF-8."""
    return csv.writer(_Escaped(click.get_text_stream("stdout", encoding="utf-8")), lineterminator="\n")


def escape_error(error: click.ClickException) -> click.ClickException:
    """Return the error as it may be shown: it often repeats what was typed, or a file's name."""
    error.message = escape(error.message, keep=_KEPT)
    if isinstance(error, click.FileError):
        error.ui_filename = escape(error.ui_filename)
    return error
