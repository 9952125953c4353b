"""Lines of a file that are not about a measurement: rows of titles, comments, and end marks.

Loggers and exports write them around their readings. They say nothing that could be lost, so they are left
out without a complaint; a line that holds a number or a time is never one of them.
"""

import re
from collections.abc import Iterable

from quantrac.domain.spellings import fold, plain_letters

TITLES: dict[str, tuple[str, ...]] = {
    "name": (
        *("parameter", "param", "name", "tag", "indicator", "sensor", "variable", "channel", "symbol"),
        *("thong so", "ten", "chi tieu", "ky hieu"),
    ),
    "value": ("value", "data", "result", "reading", "measurement", "gia tri", "ket qua", "so lieu"),
    "unit": ("unit", "units", "uom", "don vi", "dvt"),
    "time": ("time", "date", "datetime", "timestamp", "thoi gian", "thoi diem", "ngay", "gio"),
    "status": ("status", "state", "flag", "quality", "trang thai", "tinh trang"),
}
"""What a column holds → words in its title, folded by :func:`_fold`. Written from practice, unverified."""

END_MARKS = frozenset(
    {
        *("eof", "eot", "end", "end of file", "end of data", "end of transmission", "endfile"),
        *("het", "het file", "het du lieu", "ket thuc", "ket thuc file"),
    }
)
"""Folded by :func:`_fold`. Written from practice, unverified."""

COMMENT_SIGNS = ("#", "//")
"""Written from practice, unverified."""

_WORDS = {column: re.compile(rf"\b(?:{'|'.join(words)})\b") for column, words in TITLES.items()}
_NUMBER = re.compile(r"[+-]?\d[\d.,:/ TZ+-]*", re.ASCII)
_JSON = ("{", "[{")
"""How a document begins whose words are keys of data, and no titles."""
LONGEST = 60
"""Characters of a title or an end mark."""


def is_title_row(columns: Iterable[str]) -> bool:
    """Tell whether a row names columns: at least two kinds of them, and no number or time among it.

    >>> is_title_row(["Thông số", "Giá trị", "Đơn vị", "Thời gian", "Trạng thái"])
    True
    >>> is_title_row(["Data value", "---", "mg/L", "no time", "00"])
    False
    >>> is_title_row(['{"parameter":', '"PM2.5",', '"value":', "27.81}"])
    False
    """
    titles = [column.strip() for column in columns]
    if "".join(titles).startswith(_JSON) or any(
        _NUMBER.fullmatch(title) or len(title) > LONGEST for title in titles
    ):
        return False
    folded = list(map(_fold, titles))
    return sum(any(map(words.search, folded)) for words in _WORDS.values()) >= 2


def is_comment(line: str) -> bool:
    r"""Tell whether a line says of itself that it is a comment, and has no columns of a reading.

    >>> is_comment("# logger 7, firmware 2.1"), is_comment("#1 Temp\t23.9\toC"), is_comment("// begin")
    (True, False, True)
    """
    return line.lstrip().startswith(COMMENT_SIGNS) and "\t" not in line


def is_end_mark(line: str) -> bool:
    """Tell whether a line only says that the file ends, whatever signs stand around the words.

    >>> is_end_mark("EOF"), is_end_mark("*** END OF FILE ***"), is_end_mark("Endrin")
    (True, True, False)
    """
    return len(line) <= LONGEST and _fold(line) in END_MARKS


def _fold(text: str) -> str:
    """Return the words without case, accents and signs, one blank between two of them."""
    return " ".join(re.findall(r"\w+", plain_letters(fold(text)).replace("_", " ")))
