"""The page of quality control against the tests, the rules and the commands it shows."""

import doctest
import re
import shlex
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner

from docs import qa_page, qa_pictures
from docs.qa_examples import EXAMPLES, see
from docs.qa_page import PAGE, PICTURES, generated
from quantrac.cli import main
from quantrac.domain.qa.baseline.blocks import AT_LEAST, BLOCK, BLOCKS, LAG
from quantrac.domain.qa.checks.table import TESTS
from schemas.rules import load
from schemas.rules.book import NOTICE
from support.folders import ROOT

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wanted() -> dict[Path, str]:
    return generated()


def test_page_and_pictures_are_what_make_docs_writes(wanted: dict[Path, str]) -> None:
    assert {path.name for path in PICTURES.glob("*.svg")} == {path.name for path in wanted if path != PAGE}
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make docs`"


def test_it_is_written_the_same_twice(wanted: dict[Path, str]) -> None:
    assert generated() == wanted


def test_every_test_has_a_section_and_every_example_a_test() -> None:
    assert re.findall(r"^### (\w+)$", TEXT, re.MULTILINE) == list(TESTS)
    assert set(EXAMPLES) == set(TESTS)


@pytest.mark.parametrize("name", [name for name in TESTS if name != "gap"])
def test_a_picture_shows_good_readings_and_bad_ones(name: str) -> None:
    outcomes = set(see(name, EXAMPLES[name], load()).outcome.tolist())
    assert 1 in outcomes
    assert outcomes & {3, 4}


def test_the_picture_of_gaps_shows_missing_values() -> None:
    assert see("gap", EXAMPLES["gap"], load()).outcome.tolist() == [9, 9, 9]


@pytest.mark.parametrize("name", [*TESTS, "legend"])
def test_a_picture_is_small_and_says_what_it_shows(name: str) -> None:
    text = (PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    title, words = (root.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc"))
    assert title is not None and title.text
    assert words is not None and words.text
    assert len(text) < 8_000


@pytest.mark.parametrize("module", [qa_page, qa_pictures])
def test_the_worked_examples_of_the_generator_hold(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


def test_every_file_it_links_exists() -> None:
    for link in re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT):
        assert (PAGE.parent / link).exists(), link


def test_every_file_it_names_in_passing_exists() -> None:
    for name in re.findall(r"`((?:quantrac|schemas|docs|tests)/[\w/.-]+)`", TEXT):
        assert (ROOT / name).exists() or "NAME" in name, name


def fenced(language: str) -> str:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return "".join(text for name, text in blocks if name == language)


def commands() -> list[str]:
    return [*fenced("").splitlines(), *re.findall(r"\| `(quantrac [^`]+)` \|", TEXT)]


# Looked up here, because urllib3 tries a socket when it is first imported.
COMMANDS = {
    name: main.get_command(click.Context(main), name) for name in main.list_commands(click.Context(main))
}


@pytest.mark.parametrize("line", commands())
def test_every_command_it_shows_exists_with_its_options(line: str) -> None:
    program, name, *words = shlex.split(line)
    assert program == "quantrac"
    command = COMMANDS.get(name)
    if isinstance(command, click.Group):
        command = command.commands.get(words.pop(0))
    assert command is not None
    options = {name for each in command.params for name in each.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_it_shows_each_command_that_a_change_of_rules_needs() -> None:
    shown = {" ".join(line.split()[1:3]) for line in commands()}
    assert {f"rules {each}" for each in ("check", "activate", "log", "diff", "show", "climatology")} <= shown
    assert {"review add", "review list", "review withdraw", "replay --stage", "qa SERIES.csv"} <= shown


def test_the_rule_file_it_shows_could_be_activated(tmp_path: Path) -> None:
    path = tmp_path / "hanoi.yaml"
    path.write_text(fenced("yaml"), encoding="utf-8")
    result = CliRunner().invoke(main, ["rules", "check", str(path)])
    assert result.exit_code == 0, result.output


def test_the_figures_of_learning_and_of_the_switch_are_those_of_the_code() -> None:
    assert f"blocks of {BLOCK // 3600} hours" in TEXT
    assert f"{BLOCKS} blocks, {BLOCKS * BLOCK // 86400} days" in TEXT
    assert f"Below {AT_LEAST} blocks" in TEXT
    assert LAG == 2  # "one block before it"
    assert NOTICE.total_seconds() == 10  # "ten seconds after"
