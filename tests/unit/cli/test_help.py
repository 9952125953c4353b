"""What the help of every command says, and options given twice."""

import click
import pytest
from click.testing import CliRunner

from quantrac.cli import main
from support.commands import commands

ALL = commands()


@pytest.mark.parametrize("path", ALL)
def test_every_command_and_every_option_says_what_it_is(path: str) -> None:
    assert ALL[path].help
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option) and "password" not in parameter.opts[0]:
            assert (parameter.help or "").endswith("."), parameter.opts


@pytest.mark.parametrize("path", ALL)
def test_an_option_that_takes_one_value_is_refused_twice_and_any_other_says_that_it_repeats(
    path: str,
) -> None:
    for parameter in ALL[path].params:
        if not isinstance(parameter, click.Option) or parameter.is_flag:
            continue
        option, *words = *parameter.opts[:1], *path.split()[1:]
        result = CliRunner().invoke(main, [*words, option, "a", option, "b"])
        if parameter.multiple:
            assert "May be given several times." in (parameter.help or "")
            assert "is given twice" not in result.output
        else:
            assert result.exit_code == 2
            assert f"{option} is given twice, and takes one value." in result.output


def test_a_flag_may_stand_twice() -> None:
    assert "given twice" not in CliRunner().invoke(main, ["parse", "--json", "--json", "no-such-file"]).output


def test_the_data_folder_names_its_variable() -> None:
    assert "QUANTRAC_DATA" in CliRunner().invoke(main, ["down", "--help"]).output


def test_the_main_help_states_the_rule_for_times() -> None:
    text = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert "A TIME names its zone" in text
    assert "a DATE is a day in Vietnam" in text
