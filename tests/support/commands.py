"""Every command that a person can type."""

from collections.abc import Iterator

import click

from quantrac.cli import main


def commands() -> dict[str, click.Command]:
    """Return what is typed (``quantrac rules log``) -> command, groups left out."""
    return dict(_walk(main, "quantrac"))


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _walk(inner, f"{path} {name}")
