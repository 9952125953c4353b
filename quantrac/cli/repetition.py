"""Options given twice: refused where they take one value; where they take more, the help says so.

click alone takes the last of several values without a word: ``--station A --station B`` would be about B.
"""

from typing import Any

import click

_SEVERAL = "May be given several times."


def settle_repetition(command: click.Command) -> click.Command:
    """Return the command; from now on it and all below it refuse what takes one value and is given twice."""
    if "make_parser" in vars(command):  # settled before
        return command
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            settle_repetition(inner)
        return command
    for parameter in command.params:
        if (
            isinstance(parameter, click.Option)
            and parameter.multiple
            and _SEVERAL not in (parameter.help or "")
        ):
            parameter.help = f"{parameter.help or ''} {_SEVERAL}".strip()
    make_parser = command.make_parser

    def make_strict_parser(ctx: click.Context) -> Any:
        parser = make_parser(ctx)
        parse = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            parsed = parse(args)
            _refuse_repeated(parsed[2], ctx)
            return parsed

        parser.parse_args = parse_once  # type: ignore[method-assign]
        return parser

    command.make_parser = make_strict_parser  # type: ignore[method-assign]
    return command


def _refuse_repeated(order: list[click.Parameter], ctx: click.Context) -> None:
    """Raise UsageError for the first of the parsed options, in their order, that stands there twice."""
    for parameter in order:
        is_single = isinstance(parameter, click.Option) and not (parameter.multiple or parameter.is_flag)
        if is_single and order.count(parameter) > 1:
            raise click.UsageError(f"{parameter.opts[0]} is given twice, and takes one value.", ctx)
