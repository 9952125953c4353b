"""A YAML document with the line of each of its values, and what YAML made of words that say something else.

Nothing in a document stops its reading but its syntax: what cannot be read is a value that says why, so that
all mistakes can be named at once.

YAML 1.1 takes ``1_000`` for a thousand, ``1:30`` for ninety and ``010`` for eight. Here the first two cannot
be read, and ``010`` is ten. 24:00 is midnight.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.written_times import split_end_of_day
from schemas.unreadable import Unreadable

# The same parser in C, ten times as fast, where it was built.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_ABSENT = frozenset({"", "~"})
_WORDS = {"bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date or a time"}

Path = Sequence[str | int]
"""Keys, and places in lists counted from 0."""


class DocumentError(ValueError):
    """A text is no YAML; the message is a sentence that says so."""

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(f"not readable as YAML: {sentence}")
        self.line = line
        """Counted from 1."""


@dataclass(slots=True)
class Document:
    """One document."""

    value: Any = None
    """Mappings with texts as keys, lists, texts, numbers, ``bool``, ``date``, ``datetime``, ``None``; an
    :class:`Unreadable` for what cannot be read."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """(line from 1, sentence) of keys that stand twice or are no words."""
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """(line from 1, sentence) of each :class:`Unreadable` in the value."""
    _root: yaml.Node | None = None
    _entries: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = field(default_factory=dict)
    """By the id of a mapping's node: its keys, merged ones too, each with the nodes of key and value."""

    def line(self, path: Path = ()) -> int:
        """Return the line, from 1, of the value at a path; of what it leads to last where it leads further.

        >>> read_document("stations:\\n- code: A\\n  aliases:\\n  - B\\n").line(("stations", 0, "aliases", 0))
        4
        """
        node, line = self._root, 0
        for part in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
            elif isinstance(node, yaml.MappingNode) and part in self._entries.get(id(node), ()):
                key, node = self._entries[id(node)][str(part)]
                line = key.start_mark.line
            else:
                break
        return line + 1

    def misreading(self, path: Path, *, shown: bool = True) -> str:
        """Say how YAML reads a bare word at a path other than as a text; empty where it does not.

        With ``shown`` false the word itself is left out: it may be a password.

        >>> read_document("code: NO").misreading(("code",))
        'YAML reads NO as false; put it in quotes: "NO"'
        """
        node = self._node(path)
        if not isinstance(node, yaml.ScalarNode) or node.style:
            return ""
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            if node.value in _ABSENT:
                return "there is nothing after it"
            meaning = "nothing"
        elif kind in _WORDS:
            value = _read_scalar(node)
            meaning = str(value).lower() if isinstance(value, bool) else _WORDS[kind]
            if isinstance(value, int | float) and not isinstance(value, bool):
                meaning = f"the number {value}"
        else:
            return ""
        if not shown:
            return "YAML reads this as no text; put it in quotes"
        return f'YAML reads {node.value} as {meaning}; put it in quotes: "{node.value}"'

    def _node(self, path: Path) -> yaml.Node | None:
        node = self._root
        for part in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            elif isinstance(node, yaml.MappingNode) and part in self._entries.get(id(node), ()):
                node = self._entries[id(node)][str(part)][1]
            else:
                return None
        return node


def read_document(text: str | bytes) -> Document:
    """Read a document; raises :class:`DocumentError` where it is no YAML, or bytes are no UTF-8."""
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return _build(yaml.compose(text, Loader=_Parser))
    except UnicodeDecodeError as error:
        sentence = f"byte {error.object[error.start]:#04x} is no UTF-8; save the file as UTF-8"
        raise DocumentError(sentence, error.object[: error.start].count(b"\n") + 1) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = ", ".join(filter(None, (error.context, error.problem)))
        raise DocumentError(sentence, mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split()), 1) from error
    except RecursionError:
        raise DocumentError("lists or mappings lie too deep in each other", 1) from None


def _build(root: yaml.Node | None) -> Document:
    document = Document(_root=root)
    if root is not None:
        document.value = _Builder(document).build(root)
    return document


class _Builder:
    """Makes values of nodes, each node once."""

    def __init__(self, document: Document) -> None:
        self._problems, self._unreadable = document.problems, document.unreadable
        self._entries = document._entries
        self._values: dict[int, Any] = {}

    def build(self, node: yaml.Node) -> Any:
        if id(node) not in self._values:
            # Until it is built: a list or mapping that holds itself.
            self._values[id(node)] = Unreadable("it refers to itself")
            self._values[id(node)] = self._build(node)
        value = self._values[id(node)]
        if isinstance(value, Unreadable):
            self._unreadable.append((node.start_mark.line + 1, value.sentence))
        return value

    def _build(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            entries = self._entries[id(node)] = {}
            self._collect(node, entries)
            return {key: self.build(value) for key, (_, value) in entries.items()}
        return _read_scalar(node)

    def _collect(
        self, node: yaml.MappingNode, entries: dict[str, tuple[yaml.Node, yaml.Node]], depth: int = 0
    ) -> None:
        """Put the keys of a mapping into ``entries``, then those merged by ``<<`` that it lacks."""
        own: set[str] = set()
        merged: list[yaml.Node] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._problems.append((line, "a key must be a word"))
            elif key.tag == f"{_TAG}merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif key.value in own:
                self._problems.append((line, f"{key.value!r} stands twice; only the last one would count"))
            else:
                own.add(key.value)
                entries.setdefault(key.value, (key, value))
        for source in merged:
            if isinstance(source, yaml.MappingNode) and depth < 100:
                self._collect(source, entries, depth + 1)
            else:
                line = source.start_mark.line + 1
                self._problems.append((line, "what << merges must be a mapping, or a list of some"))


def _read_number(text: str) -> float:
    value = read_plain(text)
    return int(text) if text.lstrip("+-").isdigit() else value


def _read_time(text: str) -> Any:
    """Return a ``date`` or a ``datetime``."""
    begun, day = split_end_of_day(text)
    node = yaml.ScalarNode(f"{_TAG}timestamp", begun)
    return yaml.constructor.SafeConstructor().construct_yaml_timestamp(node) + day


_READ: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "value": str,  # a bare "="
    "null": lambda _: None,
    "bool": lambda text: yaml.constructor.SafeConstructor.bool_values[text.lower()],
    "int": _read_number,
    "float": _read_number,
    "timestamp": _read_time,
}
"""By the tag that YAML gives a scalar."""


def _read_scalar(node: yaml.Node) -> Any:
    text, kind = str(node.value), node.tag.removeprefix(_TAG)
    if kind not in _READ:
        return Unreadable(f"the tag {node.tag!r} means nothing here")
    try:
        return _READ[kind](text)
    except NumberError as error:
        return Unreadable(str(error))
    except (ValueError, OverflowError) as error:
        return Unreadable(f"{text!r} is no date or time: {error}")
