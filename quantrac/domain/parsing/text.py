"""From bytes to lines: encodings, line ends, and lines that are not text."""

import re
from typing import NamedTuple

from quantrac.domain.control_characters import CONTROL_BYTES, has_control, strip_control
from quantrac.domain.parsing.reasons import ParseError, Reason

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# What "surrogateescape" leaves of an undecodable byte, or "replace" of a bad UTF-16 unit.
_UNDECODABLE = re.compile(r"[\udc80-\udcff\ufffd]")


class Lines(NamedTuple):
    """The lines of a file without their ends; line 1 is ``complete[0]``.

    Control characters are left out, but of lines in ``errors``.
    """

    complete: list[str]
    rest: str
    """What follows the last line end; empty where the file ends as it should."""
    errors: dict[int, ParseError]
    """Line number, counted from 1, to why the line is not text."""
    is_text: bool
    """Whether most lines are text; where they are not, this is most likely another kind of file."""

    def text(self, number: int) -> str:
        """Return a line by its number, counted from 1."""
        return self.complete[number - 1] if number <= len(self.complete) else self.rest


def read_lines(content: bytes, declared: str = "utf-8") -> Lines:
    """Decode UTF-8 (BOM or not) or UTF-16 with BOM, and divide at LF, CRLF or CR.

    Another encoding is only taken where it is ``declared``, and then for a file that is not valid UTF-8.
    Control characters around columns are left out; those within one, and undecodable bytes, break their own
    line only.
    """
    encoding = "UTF-16" if content.startswith(_UTF16_BOMS) else declared.upper()
    text, is_clean = _decode(content, encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    complete = text.split("\n")
    errors, is_text = ({}, True) if is_clean else _clean(complete, encoding)
    rest = complete.pop()
    return Lines(complete, rest, errors, is_text)


def _decode(content: bytes, encoding: str) -> tuple[str, bool]:
    """Return the text, undecodable bytes marked in it, and whether every byte is known to be text."""
    if encoding == "UTF-16":
        text = content.decode("utf-16", "replace")
        return text, not (has_control(text) or _UNDECODABLE.search(text))
    content = content.removeprefix(_UTF8_BOM)
    # Without bytes to delete, `translate` gives the very same object, in 1 ns a byte.
    is_clean = content.translate(None, CONTROL_BYTES) is content
    try:
        return content.decode(), is_clean
    except UnicodeDecodeError:
        return content.decode(encoding, "surrogateescape"), False


def _clean(lines: list[str], encoding: str) -> tuple[dict[int, ParseError], bool]:
    """Clean lines in their list; returns the errors of those that are not text, and whether most are.

    Undecodable bytes become U+FFFD. A line that is no text after all stays as it is.
    """
    errors: dict[int, ParseError] = {}
    filled = foreign = 0
    for index, line in enumerate(lines):
        filled += bool(line.strip())
        is_control, is_undecodable = has_control(line), _UNDECODABLE.search(line) is not None
        if is_control:
            lines[index] = stripped = strip_control(line)
            if has_control(stripped):
                lines[index], errors[index + 1] = line, ParseError(Reason.NOT_TEXT)
        if is_undecodable:
            lines[index] = _UNDECODABLE.sub("\ufffd", lines[index])
            errors.setdefault(index + 1, ParseError(Reason.NOT_UTF8, encoding=encoding))
        # A line in an older Vietnamese code page still has its TABs; a slice of an image has neither.
        is_odd = (is_control or is_undecodable) and "\t" not in line
        foreign += is_odd or (is_control and index + 1 in errors)
    return errors, foreign * 2 <= filled
