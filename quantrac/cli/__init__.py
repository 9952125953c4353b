"""The ``quantrac`` command; each subcommand is a file here, imported when it is asked for."""

import importlib
import logging
from typing import Any

import click

import quantrac
from quantrac.cli.mistakes import one_sentence, report
from quantrac.cli.repeats import refuse_repeats
from quantrac.cli.terminal import escape_error

_COMMANDS = {
    "init": "Make a data folder and write its commented configuration.",
    "up": "Start Kafka, ClickHouse and all services on this machine.",
    "down": "Stop the stack of this folder, and wait until it has ended.",
    "status": "Show processes, addresses, counts and the lag of each group.",
    "logs": "Print the last lines of the log of a process.",
    "env": "Print the environment of a role, to run it by hand.",
    "service": "Start at boot: a unit of systemd.",
    "put": "Send files by FTP, as a station's logger would.",
    "simulate": "Replay a CSV of measurements as a station's files.",
    "import": "Import years of measurements as history.",
    "parse": "Show what the receiver makes of station files.",
    "conformance": "Hold a parser of station files against good and bad examples.",
    "qa": "Flag the rows of a CSV of one series.",
    "replay": "Read files, judge readings or compute averages again.",
    "reconcile": "Compare with the ministry, and send again what it lacks.",
    "index": "Compute VN_AQI and VN_WQI of a CSV.",
    "registry": "Stations and accounts: who may send what.",
    "accounts": "Accounts that send: passwords and certificates.",
    "approvals": "Stations that provinces ask the ministry to take.",
    "limits": "National standards (QCVN), and the limits of stations.",
    "rules": "Thresholds of the quality tests, and who changed them.",
    "review": "Decisions of persons about readings.",
    "share": "What was expected, came and was delivered.",
    "sql": "Ask the database as analysts do.",
    "keys": "Keys of the REST API: make, list and revoke them.",
    "receipts": "The ministry's signed receipts: list, show and verify them.",
    "migrate": "Create missing topics and apply missing migrations.",
    "notify": "Who is told of alerts.",
    "outbox": "Files on their way to a file target: list, send again.",
}
"""Command → its line in the list of commands, which is so shown without importing any of them."""


_MODULES = {"import": "import_history"}
"""Commands whose module, and function, has another name: theirs is a word of Python."""


class _Commands(click.Group):
    """Loads ``quantrac.cli.<name>:<name>`` on demand, so that ``quantrac parse`` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"quantrac.cli.{name}"), name)
        return refuse_repeats(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        if logging.lastResort is not None:
            logging.lastResort.addFilter(_is_for_a_person)
        try:
            return one_sentence(super().invoke)(ctx)
        except click.ClickException as error:
            raise escape_error(error) from error
        except (click.exceptions.Exit, click.Abort, BrokenPipeError, EOFError):
            raise  # click's own ways to end
        except Exception as error:
            ctx.exit(report(error))


def _is_for_a_person(record: logging.LogRecord) -> bool:
    """Tell whether a line of a log is printed; what clients of the stores meet comes as an exception too."""
    if record.name.startswith("clickhouse_connect"):
        return False
    return record.levelno >= logging.ERROR or not record.name.startswith("quantrac.io.kafka")


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(quantrac.__version__, prog_name="quantrac")
def main() -> None:
    """Automatic environmental monitoring: station files in, checked readings and proof of delivery out.

    A TIME names its zone, such as 2026-03-25T07:00+07:00 or 2026-03-25T00:00Z; a DATE is a day in Vietnam,
    from its midnight on. Times are shown on Vietnam's clock with the offset; JSON has UTC.

    The stack is the one in the folder --data, .quantrac here unless QUANTRAC_DATA names another.

    Exit status: 0 done, 1 refused or not all of it done, with a sentence that says why, 2 the command line
    (or, of commands on files, a file) cannot be used, 70 the mistake is ours: the last line names the file
    with the trace.
    """
