"""The README against the commands it shows."""

import re

import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.cli.parse import parse
from support.folders import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_shows_what_parse_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    printed = CliRunner().invoke(parse, ["schemas/examples/raw-file.txt"]).stdout
    assert printed.rstrip() in README


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"quantrac ([a-z]+)\b(?! is)", "".join(re.findall(r"`quantrac [^`]+`", README))))
    assert {"up", "down", "status", "parse"} <= named
    for name in named:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0, name


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z0-9-]+)", README)) <= targets


def test_every_file_it_links_exists() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link
