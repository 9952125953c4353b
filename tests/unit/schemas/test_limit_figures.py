"""Every figure of every standard's file, against a second table that was typed on its own."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from quantrac.domain.limits import Row, Standard
from quantrac.domain.times import VIETNAM
from schemas.limits import load_national
from schemas.limits.replacements import UNREAD
from support.limit_figures import FIGURES, Figures

STANDARDS = load_national().standards
CERTAINTIES = {"H": "high", "M": "medium", "L": "low", "U": "unverified"}
BOUND = re.compile(r"(>)?([\d.]+)(?:-([\d.]+))?(?:@(\d+))?(?: (until|from) ([\d-]+))?")

Cell = tuple[Any, ...]
"""Parameter, period, unit, column, category, minimum, maximum, oxygen, certainty, first and last day."""


def day(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(VIETNAM):%Y-%m-%d}"


def cell_of_row(row: Row) -> Cell:
    bounds = (row.minimum, row.maximum, row.reference_oxygen)
    dates = (day(row.valid_from), day(row.valid_to))
    return (row.parameter, row.period, row.unit, row.column, row.category, *bounds, row.certainty, *dates)


def cells_of_figures(figures: Figures) -> Iterator[Cell]:
    categories = [""]
    for line in filter(None, map(str.strip, figures.lines.splitlines())):
        if line.startswith("["):
            categories = line.strip("[]").split(", ")
            continue
        parameter, unit, bounds, letter = (part.strip() for part in line.split("|"))
        for figure in bounds.split(", "):
            place, _, text = figure.partition(" ")
            period, column = (place, "") if place in {"hour", "8h", "day", "year"} else ("day", place)
            match = BOUND.fullmatch(text)
            assert match, line
            is_minimum, first, second, oxygen, side, date = match.groups()
            minimum = float(first) if is_minimum or second else None
            maximum = None if is_minimum else float(second or first)
            dates = (date if side == "from" else "", date if side == "until" else "")
            for category in categories:
                head = (parameter, period, unit, "" if column == "all" else column, category)
                yield (*head, minimum, maximum, oxygen and float(oxygen), CERTAINTIES[letter], *dates)


def test_every_standard_with_a_file_has_its_table() -> None:
    assert {name for name, standard in STANDARDS.items() if standard.note != UNREAD} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_of_a_standard_is_the_one_of_its_source(name: str) -> None:
    shipped = {cell_of_row(row) for row in STANDARDS[name].rows}
    typed = set(cells_of_figures(FIGURES[name]))
    assert shipped - typed == set()
    assert typed - shipped == set()
    assert len(STANDARDS[name].rows) == len(typed)


@pytest.mark.parametrize("name", FIGURES)
def test_each_standard_begins_and_ends_when_its_source_says(name: str) -> None:
    standard: Standard = STANDARDS[name]
    until = standard.transition.until if standard.transition else None
    figures = FIGURES[name]
    assert (day(standard.valid_from), day(standard.valid_to), day(until)) == (
        figures.begins,
        figures.ends,
        figures.goes_on_until,
    )


# What QCVN 40:2025 and 19:2024 say that they replace, and cannot be seen in a file of its own.
REPLACED = {
    "QCVN 40:2025/BTNMT": """
        25:2009 28:2010 29:2010 01-MT:2015 11-MT:2015 12-MT:2015 13-MT:2015 60-MT:2015 52:2017 63:2017
    """,
    "QCVN 19:2024/BTNMT": """
        20:2009 21:2009 23:2009 34:2010 51:2017 41:2011 02:2012 30:2012 56:2013 61-MT:2016
    """,
    "QCVN 05:2023/BTNMT": "06:2009",
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_a_standard_replaces_ends_with_it_file_or_not(name: str) -> None:
    unread = {entry.name for entry in STANDARDS.values() if (entry.replaced_by, entry.note) == (name, UNREAD)}
    assert unread == {f"QCVN {number}/BTNMT" for number in REPLACED[name].split()}
    for entry in STANDARDS.values():
        if entry.replaced_by == name:
            assert entry.valid_to == STANDARDS[name].valid_from
            assert (entry.transition is None) == (name == "QCVN 05:2023/BTNMT")
