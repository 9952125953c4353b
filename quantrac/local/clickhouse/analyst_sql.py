"""What a statement of analysts may contain, by a list of what is allowed.

The engine's own parser writes every statement anew before it is looked at: comments, quoting and other ways
of writing are gone, and what is looked at is what then runs, in the format Native within a SELECT that keeps
zones (`zones`). Rights on tables are the engine's (`access`); this is about what the engine asks no right
for: functions that read files or the server's state, files to write, the statements of others.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.statements import tokens

_FUNCTIONS = Path(__file__).with_name("functions")

_VERBS = frozenset(("SELECT", "WITH", "SHOW", "DESCRIBE", "EXPLAIN", "EXISTS"))
_SHOWN = frozenset(
    (
        *("TABLES", "FULL", "EXTENDED", "COLUMNS", "DATABASES", "DICTIONARIES", "FUNCTIONS"),
        *("INDEX", "INDEXES", "INDICES", "KEYS", "SETTINGS"),
    )
)
_CREATED = frozenset(("TABLE", "VIEW", "DICTIONARY", "DATABASE"))

# Before a bracket and no call.
_KEYWORDS = frozenset(
    (
        *("SELECT", "DISTINCT", "FROM", "JOIN", "ON", "USING", "WHERE", "PREWHERE", "HAVING"),
        *("QUALIFY", "BY", "SETS", "ROLLUP", "CUBE", "LIMIT", "OFFSET", "IN", "NOT", "AND", "OR"),
        *("AS", "OVER", "UNION", "ALL", "ANY", "EXCEPT", "INTERSECT", "REPLACE", "APPLY"),
        *("COLUMNS", "WITH", "RECURSIVE", "MATERIALIZED", "EXISTS", "BETWEEN", "LIKE", "ILIKE"),
        *("WHEN", "THEN", "ELSE", "CASE", "IS", "GLOBAL", "VALUES", "INTERVAL", "INTERPOLATE"),
        *("SAMPLE", "TABLE", "TO", "STEP", "EXPLAIN", "AST", "SYNTAX", "TREE", "PLAN"),
        *("PIPELINE", "ESTIMATE"),
    )
)
# They make rows of numbers or of what stands in the statement.
_TABLE_FUNCTIONS = frozenset(
    ("numbers", "zeros", "generate_series", "generateSeries", "values", "SQLStandardValues", "view", "format")
)
_SYSTEM_TABLES = frozenset(
    (
        *("one", "numbers", "numbers_mt", "zeros", "zeros_mt", "columns", "databases", "tables"),
        *("settings", "functions", "formats", "data_type_families", "table_functions"),
        *("table_engines", "aggregate_function_combinators", "collations", "time_zones"),
        *("keywords", "dictionaries"),
    )
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The engine's own names, read from its system tables when it starts."""

    functions: frozenset[str]
    combinators: tuple[str, ...]
    """Suffixes of aggregate functions, such as `If`."""
    types: frozenset[str]


def allowed_functions() -> frozenset[str]:
    """Read the names that analysts may call."""
    return _names("allowed.txt")


def refused_functions() -> frozenset[str]:
    """Read the names that stand aside on purpose."""
    return _names("refused.txt")


def _names(file: str) -> frozenset[str]:
    lines = (_FUNCTIONS / file).read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


class AnalystSql:
    """Checks statements; `canonical` is what the engine's parser made of one, never the client's own text."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._allowed = allowed_functions() | _TABLE_FUNCTIONS
        allowed = {name.lower() for name in self._allowed}
        self._callable = allowed | {name.lower() for name in vocabulary.types}
        self._combinators = vocabulary.combinators
        # A function may be named without a call: `* APPLY f`, `arrayMap(f, …)`.
        self._refused = {name.lower() for name in vocabulary.functions} - allowed

    def check(self, canonical: bytes) -> frozenset[str]:
        """Refuse a statement that does more than read; returns what it calls and is no function.

        Those may be views with parameters, such as `hourly_as_of(as_of = …)`, and nothing else. Raises
        `EngineError` (READONLY, ACCESS_DENIED) that names what is not allowed.
        """
        words = _words(canonical)
        _check_verb(words)
        views = set()
        for before, word, following in zip([_END, *words], words, [*words[1:], _END], strict=False):
            if not word.is_identifier:
                continue
            self._check_name(word, before)
            if following.is_sign("(") and not self._may_stand_before_bracket(word, before):
                views.add(word.text)
        for number, word in enumerate(words[:-1]):
            if word.text.lower() == "system" and words[number + 1].is_sign("."):
                _check_system_table(words[number + 2 :])
        return frozenset(views)

    def _check_name(self, word: "_Word", before: "_Word") -> None:
        if word.is_keyword("OUTFILE") or word.is_keyword("INFILE"):
            raise access_denied("files cannot be read or written")
        if word.text.lower() == "identifier" and before.is_sign(":"):
            raise access_denied("a parameter of the type Identifier is not possible here")
        if word.text.lower() in self._refused:
            raise access_denied(f"{word.text} is not among the functions that analysts may use")

    def _may_stand_before_bracket(self, word: "_Word", before: "_Word") -> bool:
        if word.text.lower() in self._callable or self._is_combined(word.text):
            return True
        # After AS stands the name of a table with its columns, `AS t(a, b)`.
        return (not word.quoted and word.text.upper() in _KEYWORDS) or before.is_keyword("AS")

    def _is_combined(self, name: str) -> bool:
        """Tell whether this is an aggregate function with combinators, such as `sumIf` and `uniqMergeIf`."""
        for combinator in self._combinators:
            base = name.removesuffix(combinator)
            if base and base != name and (base in self._allowed or self._is_combined(base)):
                return True
        return False


def access_denied(text: str) -> EngineError:
    """Word what an analyst may not do as the engine words it."""
    return EngineError.with_name(497, "ACCESS_DENIED", f"Not enough privileges: {text}")


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    is_identifier: bool
    quoted: bool = False

    def is_keyword(self, keyword: str) -> bool:
        return self.is_identifier and not self.quoted and self.text.upper() == keyword

    def is_sign(self, sign: str) -> bool:
        return not self.is_identifier and self.text == sign


_END = _Word("", is_identifier=False)


def _words(canonical: bytes) -> list[_Word]:
    """Return what is neither blank nor a literal text; names without their quotes."""
    words = []
    for token in tokens(canonical):
        if token["word"]:
            words.append(_Word(token["word"].decode("utf-8", "replace"), is_identifier=True))
        elif token["name"]:
            name = _ESCAPED.sub(rb"\1", token["name"][1:-1]).decode("utf-8", "replace")
            words.append(_Word(name, is_identifier=True, quoted=True))
        elif token["sign"]:
            words.append(_Word(token["sign"].decode("utf-8", "replace"), is_identifier=False))
    return words


def _check_verb(words: Sequence[_Word]) -> None:
    first, second, third = [*(word.text.upper() for word in words if word.is_identifier), "", "", ""][:3]
    shown = second in _SHOWN or (second == "CREATE" and third in _CREATED)
    if first not in _VERBS or (first == "SHOW" and not shown):
        raise EngineError.with_name(164, "READONLY", "Cannot execute query in readonly mode")


def _check_system_table(following: Iterable[_Word]) -> None:
    name = next((word.text for word in following if word.is_identifier), "")
    if name not in _SYSTEM_TABLES:
        raise access_denied(f"system.{name} is not among the tables that analysts may read")
