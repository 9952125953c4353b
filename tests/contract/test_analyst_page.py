"""docs/analyst.md against the demo, the rules and the commands."""

import re
from pathlib import Path
from textwrap import dedent

from click.testing import CliRunner

from quantrac.cli import main
from quantrac.cli.rules import rules
from quantrac.local.demo import demo_stations
from support.folders import ROOT

PAGE = (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")


def test_it_asks_about_stations_of_the_demo() -> None:
    asked = set(re.findall(r"'(\w+_(?:KHI|NUO)\w+)'", PAGE))
    assert {"HN_DEMO_KHI001"} <= asked <= {station.code for station in demo_stations()}


def test_its_rules_for_history_are_rules(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "history.yaml").write_text(dedent(block))
    checked = CliRunner().invoke(rules, ["check", str(tmp_path)])
    assert "no mistake" in checked.output


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"(?:`|\$ )quantrac ([a-z]+)\b", PAGE))
    assert {"sql", "migrate", "rules", "replay"} <= named
    for name in named:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0, name
