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
def test_an_option_that_takes_several_values_says_so(path: str) -> None:
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option) and parameter.multiple:
            assert "several" in (parameter.help or ""), parameter.opts


def test_the_data_folder_names_its_variable() -> None:
    assert "QUANTRAC_DATA" in CliRunner().invoke(main, ["down", "--help"]).output


def test_the_main_help_states_the_rule_for_times() -> None:
    text = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert "A TIME names its zone" in text
    assert "a DATE is a day in Vietnam" in text
