"""``python -m docs.qa_page``: write the tests' part of docs/quality-control.md and their pictures.

What it writes comes from the table of tests, the docstrings and signatures of its functions, the national
rules, and the outcomes of the examples; the rest of the page is written by hand.
"""

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from docs.qa_examples import EXAMPLES, LATEST, Seen, see
from docs.qa_pictures import NAME, describe, legend, picture, title
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.qa.checks.table import TESTS, Test, thresholds_of
from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import StationParameter, StationType
from schemas.rules import NATIONAL, RuleSet, load
from schemas.rules.differences import show_value
from schemas.rules.ruleset import Value

FOLDER = Path(__file__).parent
PAGE = FOLDER / "quality-control.md"
PICTURES = FOLDER / "qa"
BEGIN, END = "<!-- tests: written by `make docs` -->", "<!-- /tests -->"

Differing = list[tuple[str, list[str], Mapping[str, Value] | None, str]]
"""Medium, parameters, thresholds (``None`` = off), source."""


def generated() -> dict[Path, str]:
    """Return what the page and every picture should be, by path.

    Raises ValueError where the page has lost its markers.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name}: the markers {BEGIN} and {END} are gone")
    rules = load(NATIONAL)
    seen = {name: see(name, EXAMPLES[name], rules) for name in TESTS}
    found = {PICTURES / f"{name}.svg": picture(each) for name, each in seen.items()}
    found[PICTURES / "legend.svg"] = legend()
    sections = [_overview(rules), *(_section(name, seen[name], rules) for name in TESTS)]
    found[PAGE] = "\n\n".join([before + BEGIN, *sections, END + after])
    return found


def write() -> None:
    """Bring page and pictures up to the tests."""
    wanted = generated()
    for old in set(PICTURES.glob("*.svg")) - wanted.keys():
        old.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _overview(rules: RuleSet) -> str:
    rows = [
        (f"[`{name}`](#{name})", _finds(name), _kind(test), _asked(name, rules))
        for name, test in TESTS.items()
    ]
    return _table(("test", "finds", "kind", "asked by the national rules"), rows)


def _section(name: str, seen: Seen, rules: RuleSet) -> str:
    parts = [f"### {name}", f"**{_finds(name)}** {_summary(name)}"]
    parts.append(f"![{title(seen)}. {describe(seen)}](qa/{name}.svg)")
    parts += list(_words(seen))
    parts += _prose(name)
    parts.append(_thresholds(name, rules))
    if differing := _differing(name, rules):
        parts.append(_details(name, differing))
    parts.append(f"Source: {_source(name)}")
    return "\n\n".join(part for part in parts if part)


def _module(name: str) -> ModuleType:
    found = inspect.getmodule(TESTS[name].judge)
    if found is None or not found.__doc__ or not TESTS[name].judge.__doc__:
        raise ValueError(f"{name}: its module and its function need docstrings")
    return found


def _finds(name: str) -> str:
    """The first sentence of the module's docstring, without the name before it."""
    line = _plain((_module(name).__doc__ or "").strip().splitlines()[0])
    said = line.partition(": ")[2]
    return said[0].upper() + said[1:]


def _source(name: str) -> str:
    """What the module's docstring names as source, to the end of that paragraph."""
    paragraphs = (_module(name).__doc__ or "").split("\n\n")
    found = [each.strip() for each in paragraphs if each.strip().startswith("Source:")]
    if not found:
        raise ValueError(f"{name}: the docstring of its module names no source")
    return _plain(found[0].removeprefix("Source:").strip())


def _paragraphs(name: str) -> list[str]:
    """The function's docstring without its examples."""
    paragraphs = inspect.cleandoc(TESTS[name].judge.__doc__ or "").split("\n\n")
    return [_plain(each) for each in paragraphs if not each.startswith(">>>")]


def _summary(name: str) -> str:
    return _paragraphs(name)[0]


def _prose(name: str) -> list[str]:
    return _paragraphs(name)[1:]


def _plain(text: str) -> str:
    """Turn a docstring's marks into those of a page.

    >>> _plain("more than ``spreads`` (:func:`~quantrac.domain.qa.checks.scale.growth`)")
    'more than `spreads` (`growth`)'
    """
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return " ".join(text.replace("``", "`").split())


def _kind(test: Test) -> str:
    kinds = (
        (test.baseline, "baseline"),
        (test.second_stage, "after the others"),
        (test.on_missing, "missing values"),
        (bool(test.look_back), "looks back"),
    )
    return ", ".join(kind for holds, kind in kinds if holds) or "by itself"


def _asked(name: str, rules: RuleSet) -> str:
    general = name in rules.thresholds("", "", "", LATEST)
    counts = {
        medium: sum(
            (name in rules.thresholds(medium.value, "", code, LATEST)) is not general
            for code in _codes(rules, medium)
        )
        for medium in StationType
    }
    others = ", ".join(f"{medium.value} {count}" for medium, count in counts.items() if count)
    if general:
        return f"every series; off for parameters: {others}" if others else "every series"
    return f"parameters: {others}" if others else "off"


def _codes(rules: RuleSet, medium: StationType) -> list[str]:
    """Parameters that the rules name for a medium, in their order."""
    names = ("", medium.value)
    return list(
        dict.fromkeys(each.parameter for each in rules.settings if each.name in names and each.parameter)
    )


def _words(seen: Seen) -> Iterator[str]:
    """What the test says of the first reading of each bad outcome."""
    for flag in (Flag.FAIL, Flag.SUSPECT, Flag.MISSING):
        rows = np.flatnonzero(seen.outcome == flag)
        if len(rows):
            place = int(seen.place[rows[0]]) + 1
            yield f"> Reading {place}, {NAME[flag]}: {seen.explain(int(rows[0]))}"


def _thresholds(name: str, rules: RuleSet) -> str:
    keywords = thresholds_of(TESTS[name])
    if not keywords:
        return "No thresholds."
    general = rules.thresholds("", "", "", LATEST).get(name, {})
    # What a registered series says by itself.
    facts = registry_thresholds(StationParameter("", "", range_low=0.0, range_high=1.0)).get(name, {})
    national = [
        "station registry" if keyword in facts else _written(general.get(keyword)) for keyword in keywords
    ]
    rows = [(f"`{keyword}`", _left_out(each)) for keyword, each in keywords.items()]
    if not any(national):
        return _table(("threshold", "left out"), rows)
    whole = [(*row, value) for row, value in zip(rows, national, strict=True)]
    return _table(("threshold", "left out", "national, every series"), whole)


def _left_out(keyword: inspect.Parameter) -> str:
    default: Any = keyword.default
    if default is keyword.empty:
        return "must be given"
    if default in (None, ()) or (isinstance(default, float) and math.isnan(default)):
        return "none"
    return "never" if default == math.inf else f"{default:g}"


def _written(value: Value | None) -> str:
    return "" if value is None else show_value(value)


def _differing(name: str, rules: RuleSet) -> Differing:
    """Where a medium or a parameter has thresholds other than the wider scope has; alike ones together."""
    general = rules.thresholds("", "", "", LATEST).get(name)
    found: dict[tuple[str, object, str], Differing] = {}
    for medium in StationType:
        of_medium = rules.thresholds(medium.value, "", "", LATEST).get(name)
        for code in ("", *_codes(rules, medium)):
            series = medium.value, "", code, LATEST
            given = rules.thresholds(*series).get(name)
            if given == (of_medium if code else general):
                continue
            source = "" if given is None else rules.layers(*series)[name][-1][1].source
            key = medium.value, given and tuple(sorted(given.items())), source
            row = found.setdefault(key, [(medium.value, [], given, source)])
            row[0][1].append(_labelled(code, medium) if code else "all others")
    return [row for rows in found.values() for row in rows]


def _labelled(code: str, medium: StationType) -> str:
    parameter = find_parameter(code)
    unit = parameter.units.get(medium, "") if parameter else ""
    return f"{code} ({unit})" if unit else code


def _details(name: str, differing: Differing) -> str:
    given = [thresholds or {} for _, _, thresholds, _ in differing]
    stated = [keyword for keyword in thresholds_of(TESTS[name]) if any(keyword in each for each in given)]
    rows = [
        (
            medium,
            ", ".join(codes) + (": off" if thresholds is None else ""),
            *(_written(each.get(keyword)) for keyword in stated),
            source,
        )
        for each, (medium, codes, thresholds, source) in zip(given, differing, strict=True)
    ]
    count = sum(len(codes) for _, codes, _, _ in differing)
    table = _table(("medium", "parameter", *(f"`{each}`" for each in stated), "source"), rows)
    return f"<details><summary>national, by medium and parameter: {count}</summary>\n\n{table}\n\n</details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write()
