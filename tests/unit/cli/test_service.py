"""``quantrac service install``: a unit that systemd takes."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.local import systemd
from quantrac.local.errors import LocalError
from quantrac.local.systemd import Unit, unit_for

FOLDERS = ["/srv/quantrac", '/srv/it\'s 100% "mine" $HOME; a folder']


def verify(unit: Unit, folder: Path) -> str:
    """Return what systemd objects to."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    (folder / systemd.NAME).write_text(unit.text, encoding="utf-8")
    kind = ["--system"] if unit.user else ["--user"]
    answer = subprocess.run(
        [analyze, "verify", "--man=no", *kind, str(folder / systemd.NAME)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stderr + ("" if answer.returncode == 0 else f"exit status {answer.returncode}")


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("unit", [{}, {"user": "root"}, {"user": "root", "ports": (21,)}])
def test_systemd_finds_no_fault_with_the_unit(folder: str, unit: dict[str, object], tmp_path: Path) -> None:
    assert verify(Unit(Path(folder), **unit), tmp_path) == ""


def test_the_test_of_the_unit_would_find_a_fault(tmp_path: Path) -> None:
    class Wrong(Unit):
        @property
        def text(self) -> str:
            return super().text.replace("KillMode=mixed", "KillMood=mixed")

    assert "KillMood" in verify(Wrong(Path("/srv/quantrac"), "root"), tmp_path)


def test_a_unit_of_the_system_is_confined_and_gets_a_low_port_only_where_one_is_wanted() -> None:
    assert "CapabilityBoundingSet=\n" in Unit(Path("/srv/q"), "quantrac", (2121,)).text
    low = Unit(Path("/srv/q"), "quantrac", (21,)).text
    assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n" in low
    for line in ("User=quantrac", "ProtectSystem=strict", "ReadWritePaths=/srv/q", "NoNewPrivileges=yes"):
        assert f"\n{line}\n" in low
    assert "User=" not in Unit(Path("/srv/q")).text


def test_a_unit_of_a_user_cannot_have_a_low_port() -> None:
    with pytest.raises(LocalError, match=r"^Port 21 is below 1024: only a service of the system may have it"):
        unit_for(Path("/srv/q"), system=False, ports=(2222, 21))


def test_a_folder_of_root_or_below_tmp_makes_no_service_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uid, sentence in ((0, "should run as a user of its own"), (1000, "lies where a reboot deletes it")):
        owner = SimpleNamespace(pw_uid=uid, pw_name="quantrac", pw_dir=str(tmp_path))
        monkeypatch.setattr(pwd, "getpwuid", lambda _, owner=owner: owner)
        folder = tmp_path if tmp_path.is_relative_to("/tmp") else Path("/tmp")
        with pytest.raises(LocalError, match=sentence):
            unit_for(folder, system=True, ports=())


def test_an_owner_without_the_brokers_jars_is_told_before_the_first_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = SimpleNamespace(pw_uid=1000, pw_name="somebody-else", pw_dir=str(tmp_path))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: owner)
    with pytest.raises(LocalError, match=r"somebody-else owns .* run `make setup` as that user once\.$"):
        unit_for(Path("/"), system=True, ports=())


def test_the_command_writes_a_users_unit_and_says_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    data = tmp_path / "data"
    refused = CliRunner().invoke(main, ["service", "install", "--data", str(data)])
    assert (refused.exit_code, "`quantrac init` writes one" in refused.output) == (1, True)
    CliRunner().invoke(main, ["init", str(data)])
    installed = CliRunner().invoke(main, ["service", "install", "--data", str(data)])
    assert installed.exit_code == 0, installed.output
    assert "systemctl --user enable --now quantrac.service" in installed.output
    unit = (tmp_path / "config" / "systemd" / "user" / "quantrac.service").read_text()
    assert f"-m quantrac.cli up --data {data}\n" in unit
    printed = CliRunner().invoke(main, ["service", "install", "--print", "--data", str(data)])
    assert printed.output == unit
