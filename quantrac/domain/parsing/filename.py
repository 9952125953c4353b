"""What a station file's name says: the station code, and whether it is a data file at all."""

import re

# Everything before _yyyyMMddHHmmss (or 12 digits); then the end, an extension or a copy's " (1)".
_NAME = re.compile(r"([^\W_][\w .-]*)_(?:\d{14}|\d{12})(?=$|[. (:])", re.ASCII)
# Windows writes the origin of a download into the alternate stream X.txt:Zone.Identifier; copied to another
# file system it becomes a file of its own, with the colon kept, dropped or replaced.
_SIDE_FILE = re.compile(r"Zone\.Identifier$", re.IGNORECASE)


def base_name(name: str) -> str:
    """Return the last part of a path written with either slash."""
    return name.replace("\\", "/").rpartition("/")[2].strip()


def station_code_from_name(name: str) -> str:
    """Return the station code a file name states, as sent; ``''`` where it states none.

    >>> station_code_from_name("2026/03/25/HN_BKHN_KHIKXQ_20260325000500.txt")
    'HN_BKHN_KHIKXQ'
    >>> station_code_from_name("01_06_2023 00_06.lsi")
    ''
    """
    match = _NAME.match(base_name(name))
    return match[1] if match else ""


def is_side_file(name: str) -> bool:
    """Tell whether the name is that of a Windows side file lying beside a data file."""
    return _SIDE_FILE.search(base_name(name)) is not None
