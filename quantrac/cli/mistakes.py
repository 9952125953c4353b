"""How the command ends with an error: what is the user's to put right, and what is our mistake."""

import functools
import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import quantrac
from quantrac.cli.terminal import echo
from quantrac.domain.plain_text import escape
from quantrac.errors import UserError

Result = TypeVar("Result")

EXIT_REFUSED = 1
"""Exit status for what the user can put right."""
EXIT_MISTAKE = os.EX_SOFTWARE
"""Exit status for a mistake in this software: 70, as BSD's ``sysexits.h`` has it."""


def one_sentence(command: Callable[..., Result]) -> Callable[..., Result]:
    """Print what the user can put right as one sentence, and exit with status 1."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            echo(f"quantrac: {error}", err=True)
            sys.exit(EXIT_REFUSED)

    return wrapped


def report(error: Exception) -> int:
    """Say in a sentence what happened and return the exit status; for what is no ``UserError``.

    A file or folder that the system refuses is the user's to put right, and so is a library that was not
    installed because the offline commands need none of it. All else is a mistake in this software: its trace
    goes to a file in the folder for temporary files that only this user can read. Where it cannot be
    written, the trace is printed.
    """
    if isinstance(error, OSError) and error.filename is not None:
        echo(f"quantrac: {error.filename}: {error.strerror}", err=True)
        return EXIT_REFUSED
    if isinstance(error, ModuleNotFoundError) and not _is_own(error.name or ""):
        sentence = (
            f"this command needs more than was installed ({error.name}): pip install 'quantrac[server]'"
        )
        echo(f"quantrac: {sentence}", err=True)
        return EXIT_REFUSED
    return _report_mistake(error)


def _is_own(module: str) -> bool:
    return module.partition(".")[0] in {"quantrac", "schemas", "services"}


def _report_mistake(error: Exception) -> int:
    trace = _trace(error)
    try:
        with tempfile.NamedTemporaryFile("wb", prefix="quantrac-", suffix=".log", delete=False) as log:
            log.write(trace.encode(errors="backslashreplace"))
    except OSError:
        echo(trace, err=True)
        echo("quantrac: This is our mistake, not yours: please report it with the trace above.", err=True)
    else:
        sentence = f"This is our mistake, not yours: the trace is in {log.name}; please report it."
        echo(f"quantrac: {sentence}", err=True)
    return EXIT_MISTAKE


def _trace(error: Exception) -> str:
    system = f"quantrac {quantrac.__version__}, Python {platform.python_version()}, {platform.platform()}"
    lines = [system, shlex.join(sys.argv), "", *traceback.format_exception(error)]
    return escape("\n".join(line.rstrip("\n") for line in lines) + "\n", keep="\n\t")
