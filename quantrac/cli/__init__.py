"""The ``quantrac`` command; each subcommand is a file here, imported when it is asked for."""

import importlib
from typing import Any

import click

import quantrac
from quantrac.cli.mistakes import one_sentence, report
from quantrac.cli.terminal import escape_error

_COMMANDS = (
    "up",
    "down",
    "status",
    "logs",
    "env",
    "put",
    "simulate",
    "parse",
    "qa",
    "replay",
    "index",
    "registry",
    "limits",
    "rules",
    "review",
    "keys",
    "migrate",
    "notify",
)


class _Commands(click.Group):
    """Loads ``quantrac.cli.<name>:<name>`` on demand, so that ``quantrac parse`` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"quantrac.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return one_sentence(super().invoke)(ctx)
        except click.ClickException as error:
            raise escape_error(error) from error
        except (click.exceptions.Exit, click.Abort, BrokenPipeError, EOFError):
            raise  # click's own ways to end
        except Exception as error:
            ctx.exit(report(error))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(quantrac.__version__, prog_name="quantrac")
def main() -> None:
    """Automatic environmental monitoring: station files in, checked readings and proof of delivery out.

    Exit status 70 says that the mistake is ours: the last line names the file with the trace.
    """
