"""Where the demo's API key is shown, and where it is not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli.keys import keys
from quantrac.cli.live import greeting
from quantrac.local.datadir import DataDir
from quantrac.local.preparation import demo_api_key
from quantrac.local.stack import Stack


def stack(folder: Path, *, demo: bool) -> Stack:
    return Stack.with_free_ports(DataDir(folder), demo=demo, fixed={})


@pytest.fixture(autouse=True)
def fixed_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual ports, tried by no socket."""

    def assign_ports(
        file: Path, usual: dict[str, int], _: dict[str, int], __: dict[str, str]
    ) -> dict[str, int]:
        file.write_text(json.dumps(usual))
        return usual

    monkeypatch.setattr("quantrac.local.stack.assign_ports", assign_ports)


def test_only_a_terminal_is_greeted_with_the_key(tmp_path: Path) -> None:
    running = stack(tmp_path, demo=True)
    key = demo_api_key(running.data)
    assert f"KEY={key}\n" in greeting(running, show_key=True)
    assert key not in greeting(running, show_key=False)
    assert "KEY=$(quantrac keys demo)\n" in greeting(running, show_key=False)


def test_the_command_prints_the_key_of_its_folder(tmp_path: Path) -> None:
    running = stack(tmp_path, demo=True)
    result = CliRunner().invoke(keys, ["demo", "--data", str(tmp_path)])
    assert (result.exit_code, result.output) == (0, demo_api_key(running.data) + "\n")


def test_a_stack_that_is_no_demo_has_no_such_key(tmp_path: Path) -> None:
    stack(tmp_path, demo=False)
    result = CliRunner().invoke(keys, ["demo", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.endswith("is no demo; `quantrac keys create` makes a key\n")
