"""An option that takes one value is not given twice: click would take the last one and say nothing."""

from collections import Counter
from typing import Any

import click


def refuse_repeats(command: click.Command) -> click.Command:
    """Let a command, and those of a group, refuse an option given twice that does not take several values."""
    if "make_parser" in vars(command):
        return command  # it does already
    for subcommand in getattr(command, "commands", {}).values():
        refuse_repeats(subcommand)
    make_parser = command.make_parser

    def make_strict_parser(ctx: click.Context) -> Any:
        parser: Any = make_parser(ctx)
        parse = parser.parse_args

        def parse_strictly(args: list[str]) -> Any:
            options, arguments, order = parse(args)
            for option, count in Counter(order).items():
                if isinstance(option, click.Option) and count > 1 and not _may_repeat(option):
                    sentence = f"{option.opts[0]} takes one value, and is given {count} times"
                    raise click.UsageError(sentence, ctx)
            return options, arguments, order

        parser.parse_args = parse_strictly
        return parser

    setattr(command, "make_parser", make_strict_parser)  # noqa: B010  # mypy takes no method for a value
    return command


def _may_repeat(option: click.Option) -> bool:
    return option.multiple or option.is_flag or option.count
