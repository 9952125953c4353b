"""``quantrac up``: what its help names, and what of a shell's environment counts."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.cli.up import _forget_settings
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack, usual_ports


def test_the_help_names_every_port_that_is_anybodys_to_fix() -> None:
    words = set(CliRunner().invoke(main, ["up", "--help"]).output.replace(",", " ").replace(";", " ").split())
    doors_and_stores = {name for name in usual_ports(demo=True) if name.count(".") < 2}
    assert doors_and_stores <= words


def test_the_settings_of_a_shell_do_not_count_and_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_FTP_HOST", "0.0.0.0")
    monkeypatch.setenv("QUANTRAC_DATA", str(tmp_path))
    data = DataDir(tmp_path)
    data.create()
    stack = Stack.from_configuration(data, demo=False)
    assert list(_forget_settings(stack.check(), stack)) == [
        f"QUANTRAC_FTP_HOST of this shell does not count; settings stand in {tmp_path / 'quantrac.yaml'}"
    ]
    assert "QUANTRAC_FTP_HOST" not in os.environ
    assert os.environ["QUANTRAC_DATA"] == str(tmp_path)


def test_without_a_file_and_without_such_variables_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("QUANTRAC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("asked the services"))
    data = DataDir(tmp_path)
    data.create()
    assert Stack.from_configuration(data, demo=True).check() == frozenset()


def test_a_file_that_cannot_be_read_as_text_is_refused_too(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.create()
    (tmp_path / "quantrac.yaml").write_bytes(b"ftp: {announce: \xe9}\n")
    with pytest.raises(ValueError, match=r"quantrac\.yaml: line 1 is not UTF-8$"):
        Stack.from_configuration(data, demo=False).check()
