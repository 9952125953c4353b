"""An option given twice is never half taken: it takes several values, or is refused."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.cli.repeats import refuse_repeats


def commands(group: click.Group, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


def test_no_command_takes_the_last_of_two_values_in_silence() -> None:
    """Of every option of every command that takes one value."""
    tried = 0
    for names, command in commands(main):
        for option in command.params:
            if not isinstance(option, click.Option) or option.multiple or option.is_flag or option.count:
                continue
            name, values = option.opts[0], ["1"] * option.nargs
            result = CliRunner().invoke(main, [*names, name, *values, name, *values])
            assert result.exit_code == 2, (names, name)
            assert f"{name} takes one value, and is given 2 times" in result.output, (names, name)
            tried += 1
    assert tried > 50


@pytest.mark.parametrize("arguments", [["--code", "A", "--code", "B", "--loud", "--loud", "-v", "-v"], []])
def test_options_for_several_values_flags_and_counts_may_come_again(arguments: list[str]) -> None:
    @click.command()
    @click.option("--code", multiple=True)
    @click.option("--loud", is_flag=True)
    @click.option("-v", "verbosity", count=True)
    def command(code: tuple[str, ...], loud: bool, verbosity: int) -> None:
        click.echo(f"{code} {loud} {verbosity}")

    result = CliRunner().invoke(refuse_repeats(command), arguments)
    assert result.exit_code == 0
    assert result.output == ("('A', 'B') True 2\n" if arguments else "() False 0\n")


def test_one_option_under_two_names_is_given_twice() -> None:
    @click.command()
    @click.option("--out", "-o")
    def command(out: str) -> None:
        click.echo(out)

    result = CliRunner().invoke(refuse_repeats(command), ["--out", "a", "-o", "b"])
    assert result.exit_code == 2
    assert "--out takes one value" in result.output
