"""From bytes to lines: encodings, line ends, and lines that are not text."""

import re
from typing import NamedTuple

from quantrac.domain.parsing.reasons import ParseError, Reason

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# What "surrogateescape" leaves of an undecodable byte, or "replace" of a bad UTF-16 unit.
_UNDECODABLE = re.compile(r"[\udc80-\udcff\ufffd]")


class Lines(NamedTuple):
    """The lines of a file without their ends; line 1 is ``complete[0]``."""

    complete: list[str]
    rest: str
    """What follows the last line end; empty where the file ends as it should."""
    errors: dict[int, ParseError]
    """Line number, counted from 1, to why the line is not text."""

    def text(self, number: int) -> str:
        """Return a line by its number, counted from 1."""
        return self.complete[number - 1] if number <= len(self.complete) else self.rest


def read_lines(content: bytes, declared: str = "utf-8") -> Lines:
    """Decode UTF-8 (BOM or not) or UTF-16 with BOM, and divide at LF, CRLF or CR.

    Another encoding is only taken where it is ``declared``, and then for a file that is not valid UTF-8.

    Undecodable bytes and NULs break their own line only. Raises :class:`ParseError` where lines with control
    bytes outnumber the others: such a file is no text with a fault but something else.
    """
    encoding = "UTF-16" if content.startswith(_UTF16_BOMS) else declared.upper()
    text, is_clean = _decode(content, encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    complete = text.split("\n")
    errors = {} if is_clean else _find_errors(complete, encoding)
    rest = complete.pop()
    return Lines(complete, rest, errors)


def _decode(content: bytes, encoding: str) -> tuple[str, bool]:
    """Return the text, undecodable bytes marked in it, and whether every byte is known to be text."""
    if encoding == "UTF-16":
        return content.decode("utf-16", "replace"), False
    content = content.removeprefix(_UTF8_BOM)
    try:
        return content.decode(), b"\0" not in content
    except UnicodeDecodeError:
        return content.decode(encoding, "surrogateescape"), False


def _find_errors(lines: list[str], encoding: str) -> dict[int, ParseError]:
    """Return the errors of lines that are not text; replaces undecodable bytes in ``lines`` by U+FFFD."""
    errors: dict[int, ParseError] = {}
    foreign = 0
    for index, line in enumerate(lines):
        control, undecodable = _CONTROL.search(line), _UNDECODABLE.search(line)
        if undecodable:
            lines[index] = _UNDECODABLE.sub("\ufffd", line)
            errors[index + 1] = ParseError(Reason.NOT_UTF8, encoding=encoding)
        if control:
            errors[index + 1] = ParseError(Reason.NOT_TEXT)
        # A line in an older Vietnamese code page still has its TABs; a slice of an image has neither.
        foreign += bool(control or (undecodable and "\t" not in line))
    if foreign * 2 > sum(1 for line in lines if line.strip()):
        raise ParseError(Reason.NOT_TEXT)
    return errors
