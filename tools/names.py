"""Count names that say nothing of what they hold, against a budget that only falls (part of `make check`).

Data has nouns: a variable called `each` or `found` does not say what it is. Functions have verbs: a function
called `kept` says neither what it does nor what it returns. `python -m tools.names --list` shows them all.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

BUDGET = {"bindings": 19, "functions": 50}
"""How many such names there are; whoever removes some lowers the number."""

# Lists of words read better than lists of literals (SIM905).
REFUSED = """
    each every found known told asked given held kept taken gone moved seen said place here there wanted
    needed one other others of what which who was had has is_now whole
""".split()  # noqa: SIM905
IRREGULAR = """
    told held kept found given taken seen known written sent said heard made done gone got shown drawn
    chosen broken begun bound brought built hidden left lost meant met paid spoken spent thrown understood
""".split()  # noqa: SIM905
"""Participles that do not end in -ed; those that are imperatives too, such as `read` and `put`, are verbs."""
NO_PARTICIPLES = {"embed", "feed", "need", "seed", "speed", "exceed", "proceed", "bed", "red", "shed"}


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a module binds to data, with its line; attributes of `self` are among them."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name) if name not in ("self", "cls"):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node.lineno


def is_participle(function: str) -> bool:
    """Tell whether a function's name begins with a participle.

    >>> [is_participle(name) for name in ("kept", "_rolled_up", "keep", "is_kept", "feed_back")]
    [True, True, False, False, False]
    """
    first = function.strip("_").split("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and first not in NO_PARTICIPLES)


def refused_names(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, name, line) of each name that a noun or a verb should replace."""
    for name, line in bound_names(tree):
        if name.strip("_") in REFUSED:
            yield "bindings", name, line
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_participle(node.name):
            yield "functions", node.name, node.lineno


def main(arguments: list[str]) -> int:
    """Compare the counts with the budget; returns the exit code."""
    counts, totals = dict.fromkeys(BUDGET, 0), dict.fromkeys(BUDGET, 0)
    for package in ("quantrac", "schemas", "services"):
        for file in sorted(Path(package).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            totals["bindings"] += sum(1 for _ in bound_names(tree))
            totals["functions"] += sum(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))
            for kind, name, line in refused_names(tree):
                counts[kind] += 1
                if "--list" in arguments:
                    print(f"{file}:{line}: {name}")  # noqa: T201
    problem = False
    for kind, budget in BUDGET.items():
        share = f"{counts[kind]} of {totals[kind]:,} {kind} ({counts[kind] / totals[kind]:.1%}) say nothing"
        if counts[kind] != budget:
            problem = True
            advice = "lower the budget to that" if counts[kind] < budget else "use a noun or a verb"
            print(f"{share}, the budget in tools/names.py is {budget}: {advice}")  # noqa: T201
        elif "--list" in arguments:
            print(share)  # noqa: T201
    return int(problem)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
