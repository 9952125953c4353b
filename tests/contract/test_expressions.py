"""No regular expression of the project can be made to backtrack for long.

Kept tools were looked at: regexploit 1.0.0 (2021) reads only literal strings and so misses what is built from
parts, as `_FIRST_WORD` of the ClickHouse server was; google-re2 is another engine with another syntax, for
expressions of strangers, and there are none of those here. Patterns in pydantic's fields need no check: its
engine is linear by construction.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from quantrac.domain.layouts import LAYOUTS
from support.backtracking import SEARCHING, matching_time
from support.folders import ROOT

FOLDERS = ("quantrac", "schemas", "services", "docs")
FUNCTIONS = SEARCHING | {"compile", "match", "fullmatch"}

NOT_LITERAL = {("quantrac.domain.layouts", "pattern")}
"""(module, argument) of calls whose expressions are checked by a test of their own."""


@dataclass(frozen=True)
class Expression:
    """One expression, and one function that uses it."""

    module: str
    text: str | bytes
    flags: int
    use: str


class _Unknown(ast.NodeTransformer):
    """Puts a word for what an f-string is filled with while the program runs."""

    def visit_FormattedValue(self, _: ast.FormattedValue) -> ast.Constant:
        return ast.Constant("x")


def expressions() -> Iterator[Expression]:
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            source = file.read_text()
            if re.search(r"\bre\.[a-z]", source):
                yield from _in_module(".".join(file.relative_to(ROOT).with_suffix("").parts), source)


def _in_module(name: str, source: str) -> Iterator[Expression]:
    tree, names = ast.parse(source), vars(importlib.import_module(name.removesuffix(".__init__")))
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
    compiled = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) in {f"re.{f}" for f in FUNCTIONS}):
            continue
        assert isinstance(call.func, ast.Attribute)
        argument = ast.unparse(call.args[0])
        if (name, argument) in NOT_LITERAL:
            continue
        text = _value(call.args[0], names)
        flags = sum(_value(f, names) for f in _flags(call))
        functions = {call.func.attr}
        if call.func.attr == "compile":
            functions = uses.get(compiled.get(id(call), ""), set()) & FUNCTIONS or {"search"}
        for use in sorted(functions):
            yield Expression(name, text, flags, use)


def _flags(call: ast.Call) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "flags")
    assert isinstance(call.func, ast.Attribute)
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(call.func.attr, 2)
    yield from call.args[place : place + 1]


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    """Evaluate an argument as its module would; what only a running program has is a word."""
    filled = ast.fix_missing_locations(ast.Expression(_Unknown().visit(node)))
    return eval(compile(filled, "expression", "eval"), dict(names))


ALL = sorted(set(expressions()), key=repr)


def test_every_expression_is_seen() -> None:
    modules = {expression.module for expression in ALL}
    assert {"quantrac.io.migrations", "schemas.keys", "services.api.common.times"} <= modules
    assert len(ALL) > 35


@pytest.mark.parametrize("expression", ALL, ids=lambda e: f"{e.module}-{e.use}-{e.text!r:.60}")
def test_an_expression_takes_linear_time(expression: Expression) -> None:
    assert matching_time(expression.text, expression.flags, expression.use) == "linear"


@pytest.mark.parametrize("pattern", sorted({pattern for layout in LAYOUTS for pattern in layout.folders}))
def test_a_layouts_folders_are_matched_in_linear_time(pattern: str) -> None:
    assert matching_time(pattern, re.ASCII, "fullmatch") == "linear"


@pytest.mark.parametrize(
    ("text", "use", "time"),
    [
        (r"(a+)+", "fullmatch", "exponential"),
        (r"(a*)*b", "match", "exponential"),
        (r"(?:a|ab|b)*", "fullmatch", "exponential"),
        (r"(?:\s+|--[^\n]*|\()*(\w+)", "match", "exponential"),
        (r"(?:[^']|\\.)*'", "match", "exponential"),
        (r"\d+\w+", "fullmatch", "quadratic"),
        (r"a{1,100}a{1,100}b", "match", "quadratic"),
        (r".*?;.*?;", "match", "quadratic"),
        (r"\s+$", "search", "quadratic"),
        (r"(?i:a)+A+b", "match", "quadratic"),
        (r"\s+", "sub", "linear"),
        (r"\d+\w+", "match", "linear"),
        (r"[a-z]+(,[a-z]+)*", "fullmatch", "linear"),
        (r"'(?:[^'\\]|\\.)*'", "match", "linear"),
        (r"(?:\s|--[^\n]*|\()*+(\w+)", "match", "linear"),
        (r"\s*+\s*x", "match", "linear"),
    ],
)
def test_the_check_tells_expressions_that_backtrack_from_those_that_do_not(
    text: str, use: str, time: str
) -> None:
    assert matching_time(text, 0, use) == time
