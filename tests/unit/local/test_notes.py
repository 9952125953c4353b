"""What `quantrac status` says beside the processes: what is configured and does not run, and the reverse."""

import json
from pathlib import Path

import pytest

from quantrac.cli.status import _text as status_text
from quantrac.local.datadir import DataDir
from quantrac.local.notes import status_notes
from quantrac.local.stack import Stack, usual_ports
from quantrac.local.status import StackStatus

CHANGED = "quantrac.yaml has changed since the start; it counts from the next `quantrac up` on"
MINISTRY = "ministry: {url: 'https://m.example.org', account: a, password_file: p}\n"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Return a folder as a stack without a configuration leaves it."""
    data = DataDir(tmp_path)
    data.create()
    (tmp_path / "p").touch(0o600)
    (tmp_path / "kind.json").write_text('{"demo": false}')
    data.ports_file.write_text(json.dumps(usual_ports(demo=False)))
    return data


def notes(data: DataDir, *, down: bool = False) -> list[str]:
    stack = Stack.read(data)
    return list(status_notes(stack, [] if down else stack.process_names()))


def test_what_nobody_asked_for_is_said_to_be_off(data: DataDir) -> None:
    assert notes(data) == [
        "nothing is forwarded to a ministry: quantrac.yaml has no section `ministry`",
        "nobody is told of alerts: quantrac.yaml has no section `notify`",
    ]


def test_a_role_that_is_configured_and_does_not_run_is_told_and_the_reverse(data: DataDir) -> None:
    (data.root / "quantrac.yaml").write_text(MINISTRY)

    assert notes(data)[:2] == [
        "province.forwarder.forward is configured and does not run; `quantrac down`, then `up` starts it",
        CHANGED,
    ]
    data.last_configuration.write_text(MINISTRY)
    assert notes(data) == ["nobody is told of alerts: quantrac.yaml has no section `notify`"]
    (data.root / "quantrac.yaml").unlink()
    assert notes(data)[:2] == [
        "province.forwarder.forward runs and is not configured any longer; the next start leaves it out",
        CHANGED,
    ]


def test_what_runs_is_shown_with_the_settings_of_its_start(data: DataDir) -> None:
    data.last_configuration.write_text("ftp: {listen: 127.0.0.2}\n")
    (data.root / "quantrac.yaml").write_text("ftp: {listen: 0.0.0.0, announce: later.example.org}\n")
    assert Stack.read(data).urls()["province"]["ftp"] == "ftp://127.0.0.2:2121"


def test_a_file_with_mistakes_is_told_and_ends_no_status(data: DataDir) -> None:
    (data.root / "quantrac.yaml").write_text("fpt: {}\n")
    assert notes(data)[0] == "quantrac.yaml has mistakes; `quantrac up --check` names them"


def test_a_port_in_place_of_the_usual_one_is_told(data: DataDir) -> None:
    ports = usual_ports(demo=False) | {"province.ftp": 34135, "province.api.serve": 34136}
    data.ports_file.write_text(json.dumps(ports))
    assert notes(data)[0] == (
        "province.ftp has port 34135 in place of the usual 2121, which is taken or was at an earlier start; "
        "fix one in quantrac.yaml or by --port"
    )
    assert not any("18009" in note or "34136" in note for note in notes(data)), (
        "health ports are nobody's to know"
    )
    data.last_configuration.write_text("ftp: {port: 34135}\n")
    assert not any("34135" in note for note in notes(data)), "it was asked for"


def test_a_stack_that_is_down_shows_what_would_run_and_where(data: DataDir) -> None:
    text = "ftp: {listen: 0.0.0.0, announce: files.example.org}\n"
    (data.root / "quantrac.yaml").write_text(text)
    data.last_configuration.write_text(text)
    report = StackStatus(Stack.read(data)).read()
    assert report["state"] == "stopped"
    assert {process["state"] for process in report["processes"]} == {"stopped"}
    assert "province.receiver.intake" in [process["name"] for process in report["processes"]]
    shown = status_text(report)
    assert "ftp         ftp://files.example.org:2121  (listens on 0.0.0.0:2121)" in shown
    assert "sftp        sftp://127.0.0.1:2222\n" in shown
    assert "note: nobody is told of alerts" in shown


def test_a_ministry_is_told_of_what_a_ministry_may_have(data: DataDir) -> None:
    for file in (data.root / "quantrac.yaml", data.last_configuration):
        file.write_text("tier: ministry\n")
    stack = Stack.read(data)
    data.ports_file.write_text(json.dumps(usual_ports(False, stack.configuration)))
    assert notes(data) == ["nobody is told of alerts: quantrac.yaml has no section `notify`"]
    shown = status_text(StackStatus(Stack.read(data)).read())
    assert "ministry.receiver.deliveries" in shown
    assert "demo" not in shown
