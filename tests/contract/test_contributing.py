"""CONTRIBUTING.md against the tree: every path and command that it names exists."""

import re
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

from quantrac.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", PAGE)


def alternatives(pattern: str) -> list[str]:
    """Return `a/{b,c}.py` as `a/b.py` and `a/c.py`, with `<name>` as `*`."""
    pieces = [piece.split(",") for piece in re.split(r"\{([^}]*)\}", re.sub(r"<[^>]+>", "*", pattern))]
    # Every other piece stood in braces; the commas of the rest are its own.
    choices = [piece if number % 2 else [",".join(piece)] for number, piece in enumerate(pieces)]
    return ["".join(choice) for choice in product(*choices)]


@pytest.mark.parametrize("path", sorted({code for code in CODE if "/" in code and " " not in code}))
def test_every_path_it_names_exists(path: str) -> None:
    for pattern in alternatives(path):
        assert next(ROOT.glob(pattern), None) is not None, pattern


@pytest.mark.parametrize(
    "row", ["format of file", "check", "message field", "column", "route", "cause of alert", "door"]
)
def test_its_table_says_where_a_newcomer_begins(row: str) -> None:
    (files,) = re.findall(rf"^\| a {row}[^|]*\| (.+) \|$", PAGE, re.MULTILINE)
    assert "`" in files


def test_every_make_target_and_command_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z0-9-]+)", PAGE)) <= targets
    for name in set(re.findall(r"quantrac ([a-z]+) ", PAGE)):
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0, name


def test_every_file_it_links_or_runs_exists() -> None:
    for path in [*re.findall(r"\]\((?!http)([^)]+)\)", PAGE), *re.findall(r"pytest (\S+\.py)", PAGE)]:
        assert (ROOT / path).exists(), path
