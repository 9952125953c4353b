"""The time a file is about, from its name or its first lines: it tells a late file from a live one."""

import re
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from quantrac.domain.parsing.fields import to_utc
from quantrac.domain.parsing.filename import base_name
from quantrac.domain.parsing.formats import find_format, split_line
from quantrac.domain.parsing.reasons import ParseError
from quantrac.domain.parsing.targets import DEFAULT_ZONE
from quantrac.domain.parsing.text import read_lines

_IN_NAME = re.compile(r"(?<!\d)(?:\d{14}|\d{12})(?!\d)", re.ASCII)
_FIRST_BYTES = 4096
_FIRST_LINES = 20


def file_time(name: str, content: bytes, zone: ZoneInfo = DEFAULT_ZONE) -> datetime | None:
    """Return the time in the file's name, else that of its first line that has one; UTC, or ``None``.

    ``zone`` is the station's clock. Only the beginning of the content is read.

    >>> file_time("HN_BKHN_KHIKXQ_20260325000500.txt", b"").isoformat()
    '2026-03-24T17:05:00+00:00'
    """
    return name_time(name, zone) or _first_time(content[:_FIRST_BYTES], zone)


def name_time(name: str, zone: ZoneInfo = DEFAULT_ZONE) -> datetime | None:
    """Return the time in a file's name, on the station's clock; UTC, or ``None`` where it holds none.

    >>> name_time("HN_BKHN_KHIKXQ_20260325000500.txt").isoformat(), name_time("01_06_2023 00_06.lsi")
    ('2026-03-24T17:05:00+00:00', None)
    """
    for digits in _IN_NAME.findall(base_name(name)):
        try:
            return to_utc(digits, zone)
        except ParseError:
            continue
    return None


def _first_time(content: bytes, zone: ZoneInfo) -> datetime | None:
    for line in islice(read_lines(content).complete, _FIRST_LINES):
        columns = split_line(line)
        line_format = find_format(columns)
        if line_format is not None:
            try:
                return to_utc(columns[line_format.time], zone)
            except ParseError:
                continue
    return None
