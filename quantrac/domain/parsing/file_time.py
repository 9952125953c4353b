"""The time a file is about, found without reading it all: it tells a late file from a present one."""

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
_LOOKED_AT_BYTES = 4096
_LOOKED_AT_LINES = 20


def file_time(name: str, content: bytes, zone: ZoneInfo = DEFAULT_ZONE) -> datetime | None:
    """Return the time in the file's name, else that of its first line that has one; UTC, or ``None``.

    ``zone`` is the station's clock. Only the beginning of the content is looked at.

    >>> file_time("HN_BKHN_KHIKXQ_20260325000500.txt", b"").isoformat()
    '2026-03-24T17:05:00+00:00'
    """
    for digits in _IN_NAME.findall(base_name(name)):
        try:
            return to_utc(digits, zone)
        except ParseError:
            continue
    return _first_in(content[:_LOOKED_AT_BYTES], zone)


def _first_in(content: bytes, zone: ZoneInfo) -> datetime | None:
    try:
        lines = read_lines(content).complete
    except ParseError:
        return None
    for line in islice(lines, _LOOKED_AT_LINES):
        columns = split_line(line)
        found = find_format(columns)
        if found is not None:
            try:
                return to_utc(columns[found.time], zone)
            except ParseError:
                continue
    return None
