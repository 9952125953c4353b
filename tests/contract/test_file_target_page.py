"""The page about the second target against the settings, states and commands that it names."""

import re
import shlex

import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.io.outbox_files import State
from quantrac.io.settings import ServiceSettings, variables_of
from quantrac.local.configuration.keys import KEYS
from services.forwarder.files.config import FileTargetSettings
from support.folders import ROOT

TEXT = (ROOT / "docs" / "file-target.md").read_text(encoding="utf-8")
COMMANDS = sorted(
    {line.split("#")[0].strip() for line in re.findall(r"^quantrac outbox .*", TEXT, re.MULTILINE)}
)


def test_it_names_every_setting_and_no_other_one() -> None:
    own = {*variables_of(FileTargetSettings)} - {*variables_of(ServiceSettings)}
    assert set(re.findall(r"`(QUANTRAC_FILE_TARGET_(?!NAME)\w+)`", TEXT)) == own
    assert {key.variable for key in KEYS if key.section == "file_target"} < own


def test_it_says_what_every_state_means() -> None:
    assert set(re.findall(r"^\| ([a-z-]+) \| .* \| .* \|$", TEXT, re.MULTILINE)) >= {*State}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_it_shows_exists_with_these_options(line: str) -> None:
    _, *words = shlex.split(line)
    asked = CliRunner().invoke(main, [*words, "--folder", "/nowhere"])
    assert "there is no outbox in /nowhere" in asked.stderr
