"""What the server must know of a statement before the engine sees it. Pure; works on bytes.

Every expression here is possessive: none goes back over what it has read, so a statement of any shape takes
time in proportion to its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What is opened need not be closed, so that no token is tried in vain.
_TOKEN = re.compile(
    rb"(?P<blank>\s++|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)"
    rb"|(?P<text>'(?:[^'\\]|\\.)*+\\?'?)"
    rb"|(?P<name>`(?:[^`\\]|\\.)*+\\?`?|\"(?:[^\"\\]|\\.)*+\\?\"?)"
    rb"|(?P<word>[\w\x80-\xff]++)|(?P<sign>.)",
    re.DOTALL,
)
_FORMAT_NAME = re.compile(rb"\s++(\w++)[ \t\f;]*+\r?+\n?+")
_FORMAT_AT_END = re.compile(rb"(?<!\w)FORMAT\s++(\w++)\s*+(?:SETTINGS\s[^()]*+)?;?\s*+\Z", re.IGNORECASE)
# Where the last FORMAT is looked for: settings behind it may have that word in their names.
_TAIL_FORMATS = 16
_TAIL_BYTES = 4096

_RESULT_VERBS = frozenset(
    ("SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "KILL")
)
# After one of these words an INSERT has no data of its own, or carries them in SQL.
_WITHOUT_DATA = frozenset((b"VALUES", b"SELECT", b"WITH", b"FROM"))
_STREAMED_VERBS = frozenset(("SELECT", "WITH", "FROM"))
# The engine streams every block as a document of its own: only formats without head and foot can be joined.
_STREAMED_FORMATS = frozenset(
    ("Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "JSONEachRow")
)


def tokens(text: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the tokens of a statement: a match whose one group is blank, text, name (quoted), word or sign.

    What is opened and never closed goes to the end.
    """
    return _TOKEN.finditer(text)


@dataclass(frozen=True, slots=True)
class InsertHead:
    """An INSERT whose data follow."""

    target: bytes
    """`INSERT INTO … (…)`."""
    settings: bytes
    """`SETTINGS …`, or nothing."""
    format: str
    data_at: int
    """Where the data start."""


def find_insert_head(text: bytes) -> InsertHead | None:
    """Find `INSERT … FORMAT x` at the start of `text`; None for VALUES, SELECT and all other statements."""
    if verb(text) != "INSERT":
        return None
    depth, settings = 0, -1
    for token in tokens(text):
        if token["sign"]:
            depth += {b"(": 1, b")": -1}.get(token["sign"], 0)
        elif token["word"] and depth == 0:
            word = token["word"].upper()
            if word in _WITHOUT_DATA:
                return None
            if word == b"FORMAT" and (name := _FORMAT_NAME.match(text, token.end())):
                target_end = token.start() if settings < 0 else settings
                target, clause = text[:target_end], text[target_end : token.start()]
                return InsertHead(target, clause, name[1].decode(), name.end())
            if word == b"SETTINGS":
                settings = token.start()
    return None


def verb(text: bytes) -> str:
    """Return the first word in capitals, comments and brackets skipped; empty where there is none.

    >>> verb(b"/* who */ (select 1)")
    'SELECT'
    """
    for token in tokens(text):
        if token["word"]:
            return token["word"].upper().decode("utf-8", "replace")
        if not token["blank"] and token["sign"] != b"(":
            break
    return ""


def result_format(text: bytes, default: str) -> str | None:
    """Name the format of the answer; None for a statement that answers nothing."""
    if verb(text) not in _RESULT_VERBS:
        return None
    last = _last_format(text)
    return last[1].decode() if last else default


def format_start(text: bytes) -> int:
    """Return where the FORMAT at the end of a statement begins; its length where there is none."""
    last = _last_format(text)
    return last.start() if last else len(text)


def _last_format(text: bytes) -> re.Match[bytes] | None:
    first = max(len(text) - _TAIL_BYTES, 0)
    tail, start = text[first:].upper(), _TAIL_BYTES
    for _ in range(_TAIL_FORMATS):
        start = tail.rfind(b"FORMAT", 0, start)
        if start < 0:
            break
        if last := _FORMAT_AT_END.match(text, first + start):
            return last
    return None


def quote_name(name: str) -> str:
    """Write a name as an identifier in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def is_streamed(text: bytes, output: str | None) -> bool:
    """Tell whether the engine can send the answer block by block."""
    return output in _STREAMED_FORMATS and verb(text) in _STREAMED_VERBS
