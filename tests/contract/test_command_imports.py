"""What the command imports before it answers: a client or an array library takes longer than the answer."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from quantrac.cli import _COMMANDS, main

CLIENTS = {"confluent_kafka", "clickhouse_connect", "pydantic_settings", "httpx", "aiokafka", "faust", "rich"}
HEAVY = CLIENTS | {"numpy", "pydantic", "fastapi", "uvicorn", "chdb", "asyncssh", "msgspec"}

RUN = """
import sys
from quantrac.cli import main
try:
    main(sys.argv[1:], prog_name="quantrac")
finally:
    print("imported", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""

LIGHT = [
    ["--help"],
    ["--version"],
    ["up", "--help"],
    ["init", "--help"],
    ["init", "DIR"],
    ["down"],
    ["status"],
    ["logs"],
    ["env", "sink"],
    ["put", "FILE", "--account", "a"],
    ["put", "--help"],
    ["parse", "FILE"],
    ["service", "install"],
    ["notify", "test", "--help"],
    ["qa", "--help"],
    ["index", "--help"],
    ["simulate", "--help"],
    ["sql", "--help"],
    ["sql", "SELECT 1"],
    ["rules", "--help"],
    ["import", "--help"],
    ["replay", "--help"],
    ["reconcile", "--help"],
    ["keys", "--help"],
    ["accounts", "--help"],
    ["limits", "--help"],
    ["review", "--help"],
    ["share", "--help"],
    ["registry", "--help"],
    ["outbox", "list", "--help"],
    ["approvals", "--help"],
]
WITHOUT_CLIENTS = [
    ["registry", "check", "DIR"],
    ["limits", "list"],
    ["rules", "check", "DIR"],
]


def imported(arguments: list[str], folder: Path) -> set[str]:
    """Return the packages that a command has imported when it ends, in a folder where no stack is."""
    (folder / "FILE").write_text("CO\t12\tmg/m3\t20260325000500\t00\n")
    (folder / "DIR").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return set(ran.stderr.rpartition("imported ")[2].split())


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_a_command_that_needs_no_stack_imports_no_client_and_no_arrays(
    arguments: list[str], tmp_path: Path
) -> None:
    assert imported(arguments, tmp_path) & HEAVY == set()


@pytest.mark.parametrize("arguments", WITHOUT_CLIENTS, ids=" ".join)
def test_a_command_that_reads_files_only_imports_no_client(arguments: list[str], tmp_path: Path) -> None:
    assert imported(arguments, tmp_path) & CLIENTS == set()


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_the_list_of_commands_shows_each_with_a_line_that_fits(name: str) -> None:
    context = click.Context(main)
    command = main.get_command(context, name)  # type: ignore[attr-defined]
    assert command is not None and command.help
    assert len(f"  {'x' * max(map(len, _COMMANDS))}  {_COMMANDS[name]}") <= 80
    assert _COMMANDS[name].endswith(".")


def test_every_command_says_how_the_data_folder_is_named_without_an_option() -> None:
    def walk(command: click.Command) -> None:
        for option in command.params:
            if "--data" in option.opts:
                assert isinstance(option, click.Option)
                assert (option.envvar, option.show_envvar) == ("QUANTRAC_DATA", True), command.name
        for child in getattr(command, "commands", {}).values():
            walk(child)

    for name in _COMMANDS:
        command = main.get_command(click.Context(main), name)  # type: ignore[attr-defined]
        assert command is not None
        walk(command)
