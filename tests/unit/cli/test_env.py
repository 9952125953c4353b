"""``quantrac env`` and ``quantrac up --without``: one role out of the stack, to be run by hand."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli import main
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.stack import Stack
from quantrac.local.state import Phase, ProcessState, StackState
from quantrac.local.tiers import find_role, tiers_of


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDir:
    """Return a data folder as a demo leaves it, at a path that a shell would take apart."""
    monkeypatch.delenv("QUANTRAC_NOTIFY_CONFIG", raising=False)
    data = DataDir(tmp_path / "it's $HOME; a folder")
    data.create()
    (data.root / "kind.json").write_text('{"demo": true}')
    ports = {"broker": 9092, "controller": 9093, "clickhouse": 8123}
    for tier in tiers_of(demo=True):
        ports |= tier.usual_ports()
    data.ports_file.write_text(json.dumps(ports))
    return data


def print_env(data: DataDir, role: str) -> Result:
    return CliRunner().invoke(main, ["env", role, "--data", str(data.root)])


def test_a_shell_that_evaluates_it_has_the_environment_of_the_supervised_process(data: DataDir) -> None:
    for spec in Stack.read(data).roles():
        printed = print_env(data, spec.name).stdout
        show = shlex.join([sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"])
        shell = subprocess.run(
            ["sh", "-c", f"{printed}\n{show}"], env={}, capture_output=True, text=True, check=True
        )
        environment = json.loads(shell.stdout)
        assert {name: environment.get(name) for name in spec.env} == dict(spec.env)
        assert environment["QUANTRAC_SPOOL"].startswith(f"{data.root}/")


def test_the_command_that_runs_the_role_is_its_last_line_a_comment(data: DataDir) -> None:
    *exports, command = print_env(data, "validator.validate").stdout.splitlines()
    assert all(re.match(r"export [A-Z_0-9]+=", line) for line in exports)
    assert command == f"# run it: {shlex.join([sys.executable, '-m', 'services.validator', 'validate'])}"


def test_a_role_without_its_tier_is_that_of_the_province_else_of_the_ministry() -> None:
    tiers = tiers_of(demo=True)
    assert find_role("aggregator.sink", tiers) == "province.aggregator.sink"
    assert find_role("ministry.aggregator.sink", tiers) == "ministry.aggregator.sink"
    for tier in tiers:
        for service, role in tier.roles():
            assert find_role(f"{tier.name}.{service}.{role}", tiers) == f"{tier.name}.{service}.{role}"


def test_an_unknown_role_is_one_sentence_with_the_list_of_roles(data: DataDir, tmp_path: Path) -> None:
    with pytest.raises(
        LocalError, match=r"^There is no role 'validate'; the roles are province\.receiver\.intake,"
    ):
        find_role("validate", tiers_of(demo=False))
    for arguments in (
        ["env", "x", "--data", str(data.root)],
        ["up", "--without", "x", "--data", str(tmp_path / "new")],
    ):
        refused = CliRunner().invoke(main, arguments)
        assert refused.exit_code == 1
        assert re.fullmatch(r"quantrac: There is no role 'x'; the roles are [a-z., ]+\.\n", refused.stderr)
    assert not (tmp_path / "new").exists(), "a slip of the pen leaves no folder behind"


def test_a_role_that_runs_in_the_stack_is_said_to(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [ProcessState("province.validator.validate", Phase.READY, pid=4711)]
    states += [ProcessState("province.aggregator.sink", Phase.LEFT_OUT)]
    state = StackState(os.getpid(), 0, tuple(states))
    monkeypatch.setattr(DataDir, "read_state", lambda self: state)
    assert "runs in the stack already" in print_env(data, "validator.validate").stderr
    assert print_env(data, "aggregator.sink").stderr == ""


def test_a_stack_is_ready_without_what_is_left_out() -> None:
    ready, left_out = ProcessState("broker", Phase.READY), ProcessState("role", Phase.LEFT_OUT)
    assert StackState(1, 0, (ready, left_out)).is_ready
    assert not StackState(1, 0, (ready, left_out, ProcessState("api", Phase.UNREADY))).is_ready


def test_the_demos_ministry_approves_the_stations_of_its_province_by_itself(data: DataDir) -> None:
    environments = {spec.name: spec.env for spec in Stack.read(data).roles()}
    name = "QUANTRAC_APPROVE_AUTOMATICALLY"
    assert environments["ministry.receiver.deliveries"][name] == "01"
    assert name not in environments["province.receiver.intake"]
