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
_READING_VERBS = _RESULT_VERBS - {"KILL", "CHECK"}
_STREAMED_VERBS = frozenset(("SELECT", "WITH", "FROM"))
# The engine streams every block as a document of its own: only formats without head and foot can be joined.
_STREAMED_FORMATS = frozenset(
    ("Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "JSONEachRow")
)


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
    depth, first, settings = 0, True, -1
    for token in _TOKEN.finditer(text):
        if token["sign"]:
            depth += {b"(": 1, b")": -1}.get(token["sign"], 0)
        elif token["word"] and depth == 0:
            word = token["word"].upper()
            if (first and word != b"INSERT") or word in _WITHOUT_DATA:
                return None
            if word == b"FORMAT" and (name := _FORMAT_NAME.match(text, token.end())):
                target_end = token.start() if settings < 0 else settings
                found = text[:target_end], text[target_end : token.start()]
                return InsertHead(*found, name[1].decode(), name.end())
            if word == b"SETTINGS":
                settings = token.start()
        first = first and bool(token["blank"])
    return None


def verb(text: bytes) -> str:
    """Return the first word in capitals, comments and brackets skipped."""
    found = _FIRST_WORD.match(text)
    return found[1].decode().upper() if found else ""


def only_reads(text: bytes) -> bool:
    """Tell whether a statement answers the client and does nothing else: readonly lets KILL and OUTFILE pass.

    >>> [only_reads(text) for text in (b"SELECT 1", b"KILL QUERY WHERE 1", b"SELECT 1 INTO OUTFILE 'a'")]
    [True, False, False]
    """
    words = (token["word"].upper() for token in _TOKEN.finditer(text) if token["word"])
    return verb(text) in _READING_VERBS and b"OUTFILE" not in words


def result_format(text: bytes, default: str) -> str | None:
    """Name the format of the answer; None for a statement that answers nothing."""
    if verb(text) not in _RESULT_VERBS:
        return None
    found = _LAST_FORMAT.search(text[-4096:])
    return found[1].decode() if found else default


def is_streamed(text: bytes, output: str | None) -> bool:
    """Tell whether the engine can send the answer block by block."""
    return output in _STREAMED_FORMATS and verb(text) in _STREAMED_VERBS
