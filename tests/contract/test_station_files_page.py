"""The specification of station files against the code that reads them, and the commands it shows."""

import doctest
import re
import shlex

import click
import pytest

from docs import station_files_page
from docs.station_files_page import PAGE, SECTIONS, generated
from quantrac.cli import main
from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.inspection.doubt import ASSUMPTION_ADVICE, ASSUMPTIONS, TEST_ADVICE, Assumption
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.rejects import REJECT_REASONS
from quantrac.domain.units import UNITS

TEXT = PAGE.read_text(encoding="utf-8")


def section(name: str) -> str:
    return TEXT.split(f"<!-- {name}: ")[1].split(f"<!-- /{name}")[0]


def test_the_page_is_what_make_docs_writes() -> None:
    assert generated() == TEXT, "run `make docs`"


def test_it_names_the_sign_that_divides_columns() -> None:
    assert "one TAB (byte 09)" in TEXT


@pytest.mark.parametrize("code", [*REJECT_REASONS, *Assumption])
def test_every_reason_and_every_assumption_stands_there_with_what_to_do(code: str) -> None:
    (row,) = re.findall(rf"^\| `{code}` \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert all(cell.endswith(".") for cell in row)


def test_every_parameter_and_every_unit_stands_there() -> None:
    codes = re.findall(r"^\| `([^`]+)` \|", section("parameters"), re.MULTILINE)
    assert codes == [parameter.code for parameter in CATALOGUE]
    units = set(re.findall(r"`([^`]+)`", section("units")))
    assert {unit.name for unit in UNITS if unit.name} <= units


def test_what_is_advised_on_is_a_code() -> None:
    assert set(TEST_ADVICE) <= set(TESTS)
    assert set(ASSUMPTION_ADVICE) == set(ASSUMPTIONS) == set(Assumption)


def test_no_cell_of_a_table_is_broken() -> None:
    for name in SECTIONS:
        rows = [line for line in section(name).splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1, name


COMMANDS = {
    line
    for line in re.findall(r"(quantrac (?:parse|put|conformance|keys)[^`|\n]*)", TEXT)
    if not line.endswith("alone")
}


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_every_command_it_shows_exists_with_its_options(line: str) -> None:
    _, name, *words = shlex.split(line.replace("…", ""))
    command = main.get_command(click.Context(main), name)
    if isinstance(command, click.Group) and words:
        command = command.commands.get(words.pop(0))
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_every_file_and_heading_it_links_exists() -> None:
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    for link in re.findall(r"\]\((?!http)([^)]+)\)", TEXT):
        path, _, anchor = link.partition("#")
        assert (PAGE.parent / path).exists(), link
        assert path or anchor in headings, link


def test_the_worked_examples_of_the_generator_hold() -> None:
    failed, tried = doctest.testmod(station_files_page)
    assert (failed, tried > 0) == (0, True)
