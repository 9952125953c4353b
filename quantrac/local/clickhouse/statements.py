"""What the server must know of a statement before the engine sees it. Pure; works on bytes."""

import re
from dataclasses import dataclass

_BLANK = rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)"
_TOKEN = re.compile(
    rb"(?P<blank>" + _BLANK + rb")"
    rb"|(?P<quoted>'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
    rb"|(?P<word>[\w\x80-\xff]+)|(?P<sign>.)",
    re.DOTALL,
)
_FORMAT_NAME = re.compile(rb"\s+(\w+)(?:[ \t\f;]*\r?\n?)")
_LAST_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\s[^()]*)?;?\s*\Z", re.IGNORECASE)
_FIRST_WORD = re.compile(rb"(?:" + _BLANK + rb"|\()*(\w+)", re.DOTALL)

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


@dataclass(frozen=True, slots=True)
class InsertHead:
    """An INSERT whose data follow: the statement without FORMAT, the format, where the data start."""

    sql: bytes
    format: str
    data_at: int


def find_insert_head(text: bytes) -> InsertHead | None:
    """Find `INSERT … FORMAT x` at the start of `text`; None for VALUES, SELECT and all other statements."""
    depth, first = 0, True
    for token in _TOKEN.finditer(text):
        if token["sign"]:
            depth += {b"(": 1, b")": -1}.get(token["sign"], 0)
        elif token["word"] and depth == 0:
            word = token["word"].upper()
            if (first and word != b"INSERT") or word in _WITHOUT_DATA:
                return None
            if word == b"FORMAT" and (name := _FORMAT_NAME.match(text, token.end())):
                return InsertHead(text[: token.start()], name[1].decode(), name.end())
        first = first and bool(token["blank"])
    return None


def verb(text: bytes) -> str:
    """Return the first word in capitals, comments and brackets skipped."""
    found = _FIRST_WORD.match(text)
    return found[1].decode().upper() if found else ""


def result_format(text: bytes, default: str) -> str | None:
    """Name the format of the answer; None for a statement that answers nothing."""
    if verb(text) not in _RESULT_VERBS:
        return None
    found = _LAST_FORMAT.search(text[-4096:])
    return found[1].decode() if found else default


def is_streamed(text: bytes, output: str | None) -> bool:
    """Tell whether the engine can send the answer block by block."""
    return output in _STREAMED_FORMATS and verb(text) in _STREAMED_VERBS
