"""Rule files: read node by node, so that every complaint can name a file, a line and the nearest valid key.

A file has the sections ``required`` (tests without whose outcome no reading is good), ``national``,
``station_types.<type>`` and ``stations.<code>``; each of the last three has ``tests`` (all parameters),
``parameters`` (by catalogue code) and ``source`` (of every setting in it that names none). A setting is a
mapping of thresholds, ``off``, or a list of such mappings with ``valid_from`` and ``valid_to`` (by the time
of measurement; a date is midnight in Vietnam). A folder is all its ``*.yaml`` files, those in folders below
too.
"""

import inspect
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.thresholds.columns import is_list
from quantrac.domain.qa.window import Expected
from quantrac.domain.spellings import nearest
from quantrac.domain.times import parse_time
from quantrac.errors import UserError
from schemas.rules.ruleset import TYPES, Entry, Numbers, RuleSet, Scope, Settings, Table, Value

NATIONAL = Path(__file__).parent / "national"
"""The shipped defaults."""

CODES = {parameter.code for parameter in CATALOGUE}
TABLES = {("climatology", "low"), ("climatology", "high")}
"""Keywords that a rule file gives by month and hour."""
NOT_IN_FILES = {("unit", "expected")}
"""Keywords that the registry alone gives."""
BESIDE = ("source", "valid_from", "valid_to")

# The one in C is ten times as fast, where it was built. Each scalar stays the text that stands there: a test
# says what it has to be.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(slots=True)
class _Content:
    """What some files hold."""

    national: bool = False
    """Whether any has the section ``national``."""
    required: list[str] | None = None
    settings: dict[Scope, dict[str, tuple[Entry, ...]]] = field(default_factory=dict)

    def add(self, content: "_Content") -> None:
        """Take in another file; raises UserError where both set the same."""
        self.national |= content.national
        if content.required is not None:
            if self.required is not None:
                raise UserError("two files have the section 'required'")
            self.required = content.required
        for scope, tests in content.settings.items():
            mine = self.settings.setdefault(scope, {})
            for test, entries in tests.items():
                if test in mine:
                    raise UserError(
                        f"{entries[0].location}: {test} of {scope} stands in {mine[test][0].location} already"
                    )
                mine[test] = entries

    def over(self, wider: "_Content") -> "_Content":
        """Lie over another rule set: its settings hold as far as these do not replace them."""
        settings = {scope: dict(tests) for scope, tests in wider.settings.items()}
        for scope, tests in self.settings.items():
            below = settings.setdefault(scope, {})
            for test, entries in tests.items():
                below[test] = _fold_entries((*below.get(test, ()), *entries))
        return _Content(True, self.required if self.required is not None else wider.required, settings)

    def rules(self) -> RuleSet:
        """Return the checked rule set; raises UserError with the place of thresholds a test refuses."""
        settings: Settings = self.settings
        checked = RuleSet(self.required or (), settings)
        checked.check()
        return checked


def load(path: Path = NATIONAL) -> RuleSet:
    """Read and check a rule file or a folder of them.

    Without a section ``national`` they lie over the shipped defaults, which a process reads once. Raises
    UserError, one sentence, with file and line of what is wrong and the nearest valid key for a misspelt one;
    OSError where there is no file.
    """
    if path == NATIONAL:
        return _national_rules()
    content = _read(path)
    return (content if content.national else content.over(_national_content())).rules()


def from_content(content: str) -> RuleSet:
    """Read :attr:`RuleSet.content` back; raises UserError as :func:`load` does."""
    return _File("content", io.StringIO(content), layered=True).read().rules()


@cache
def _national_rules() -> RuleSet:
    return _national_content().rules()


@cache
def _national_content() -> _Content:
    return _read(NATIONAL)


def _read(path: Path) -> _Content:
    files = [path] if not path.is_dir() else sorted(path.rglob("*.yaml"))
    if not files:
        raise UserError(f"{path}: no *.yaml file in this folder")
    content = _Content()
    for file in files:
        name = file.name if file == path else file.relative_to(path).as_posix()
        with file.open(encoding="utf-8") as stream:
            content.add(_File(name, stream).read())
    return content


def _fold_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Write entries that hold always as one, so that the same thresholds have the same content."""
    folded: list[Entry] = []
    for entry in entries:
        if entry.thresholds is None:
            folded = [entry]
        elif folded and entry.always and folded[-1].always and folded[-1].thresholds is not None:
            folded[-1] = entry.over(folded[-1])
        else:
            folded.append(entry)
    return tuple(folded)


@cache
def _keywords(test: str) -> Mapping[str, inspect.Parameter]:
    keywords = thresholds_of(TESTS[test])
    return {name: keyword for name, keyword in keywords.items() if (test, name) not in NOT_IN_FILES}


class _File:
    def __init__(self, name: str, stream: Any, *, layered: bool = False) -> None:
        """``layered`` files hold lists whose later entries lie over earlier ones."""
        self._name, self._stream, self._layered = name, stream, layered

    def read(self) -> _Content:
        try:
            root = yaml.compose(self._stream, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise UserError(f"{self._name}, line {line}: no YAML: {error.problem}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{self._name}: no YAML: {' '.join(str(error).split())}") from error
        if root is None:
            raise UserError(f"{self._name}: the file is empty")
        content = _Content()
        sections = {"required", "national", "station_types", "stations"}
        for section, node in list(self._items(root, sections, "section")):
            match section:
                case "required":
                    content.required = self._required(node)
                case "national":
                    content.national = True
                    self._scope(content, section, "", node)
                case _:
                    names = set(TYPES[1:]) if section == "station_types" else None
                    for name, child in self._items(node, names, section[:-1].replace("_", " ")):
                        self._scope(content, section, name, child)
        return content

    def _required(self, node: yaml.Node) -> list[str]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "required must be a list of tests")
        return [self._name_of(child, set(TESTS), "test") for child in node.value]

    def _scope(self, content: _Content, section: str, name: str, node: yaml.Node) -> None:
        nodes = dict(self._items(node, {"tests", "parameters", "source"}, "key"))
        source = str(nodes["source"].value) if "source" in nodes else ""
        parts = [("", nodes.get("tests")), *self._items(nodes.get("parameters"), CODES, "parameter")]
        for code, tests in parts:
            settings = {
                test: self._setting(test, child, source)
                for test, child in self._items(tests, set(TESTS), "test")
            }
            if settings:
                content.settings[Scope(section, name, code)] = settings

    def _setting(self, test: str, node: yaml.Node, source: str) -> tuple[Entry, ...]:
        if not isinstance(node, yaml.SequenceNode):
            return (self._entry(test, node, source),)
        entries = [self._entry(test, child, source) for child in node.value]
        if not entries:
            raise self._error(node, f"{test} has an empty list")
        if self._layered:
            return tuple(entries)
        entries.sort(key=lambda entry: entry.valid_from.timestamp() if entry.valid_from else -math.inf)
        for before, after in pairwise(entries):
            starts = after.valid_from
            if starts is None or before.valid_to is None or before.valid_to > starts:
                raise UserError(f"{after.location}: {test}: the period overlaps that of {before.location}")
        return tuple(entries)

    def _entry(self, test: str, node: yaml.Node, source: str) -> Entry:
        if isinstance(node, yaml.ScalarNode):
            if not node.style and node.value.lower() in {"off", "false", "no"}:
                return Entry(None, source=source, location=self._position(node))
            raise self._error(node, f"{test} must be a mapping of thresholds, or off")
        keywords = _keywords(test)
        thresholds: dict[str, Value] = {}
        dates: dict[str, datetime] = {}
        for key, child in self._items(node, {*keywords, *BESIDE}, f"threshold of {test}"):
            name = f"{test}.{key}"
            if key == "source":
                source = str(child.value)
            elif key in BESIDE:
                dates[key] = self._moment(name, child)
            elif (test, key) in TABLES:
                thresholds[key] = self._table(name, child)
            elif is_list(keywords[key]):
                thresholds[key] = self._numbers(name, child)
            elif keywords[key].annotation == Expected:
                thresholds[key] = self._name_of(child, CODES, "parameter")
            else:
                thresholds[key] = self._number(name, child)
        if len(dates) == 2 and dates["valid_from"] >= dates["valid_to"]:
            raise self._error(node, f"{test}: valid_from must lie before valid_to")
        return Entry(
            thresholds,
            dates.get("valid_from"),
            dates.get("valid_to"),
            source=source,
            location=self._position(node),
        )

    def _moment(self, name: str, node: yaml.Node) -> datetime:
        try:
            return parse_time(str(node.value))
        except ValueError as error:
            raise self._error(node, f"{name}: {error}") from error

    def _number(self, name: str, node: yaml.Node) -> float:
        try:
            return read_plain(node.value if isinstance(node, yaml.ScalarNode) and not node.style else "")
        except NumberError:
            shown = node.value if isinstance(node, yaml.ScalarNode) else "a list"
            raise self._error(node, f"{name} must be a number, not {shown!r}") from None

    def _numbers(self, name: str, node: yaml.Node) -> Numbers:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"{name} must be a list of numbers, such as [65535, -9999]")
        return tuple(self._number(name, child) for child in node.value)

    def _table(self, name: str, node: yaml.Node) -> Table:
        def cell(node: yaml.Node) -> float:
            empty = isinstance(node, yaml.ScalarNode) and node.value in {"", "~", "null"}
            return math.nan if empty else self._number(name, node)

        def rows(node: yaml.Node, count: int, noun: str) -> Iterable[yaml.Node]:
            if not isinstance(node, yaml.SequenceNode) or len(node.value) != count:
                raise self._error(node, f"{name} must be a table: {noun}")
            children: list[yaml.Node] = node.value
            return children

        months = rows(node, 12, "a list of 12 months")
        return tuple(tuple(map(cell, rows(month, 24, "24 hours UTC in each month"))) for month in months)

    def _items(
        self, node: yaml.Node | None, valid: set[str] | None, kind: str
    ) -> Iterator[tuple[str, yaml.Node]]:
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"expected a mapping with a {kind} as each key")
        keys = set()
        for key_node, value_node in node.value:
            key = self._name_of(key_node, valid, kind)
            if key in keys:
                raise self._error(key_node, f"{kind} {key!r} stands twice")
            keys.add(key)
            yield key, value_node

    def _name_of(self, node: yaml.Node, valid: set[str] | None, kind: str) -> str:
        name = str(node.value)
        if valid is not None and name not in valid:
            near = nearest(name, sorted(valid))
            raise self._error(node, f"unknown {kind} {name!r}; the nearest is {near[0]!r}")
        return name

    def _position(self, node: yaml.Node) -> str:
        return f"{self._name}, line {node.start_mark.line + 1}"

    def _error(self, node: yaml.Node, message: str) -> UserError:
        return UserError(f"{self._position(node)}: {message}")
