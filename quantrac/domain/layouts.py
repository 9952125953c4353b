"""The ten ways loggers lay out folders by day, as the national receiver numbers them (``path_format`` 0-9).

A path is read from its end: the folders of the day, and before them whatever names the station.
"""

import re
from dataclasses import dataclass
from datetime import date

from quantrac.domain.spellings import fold, plain_letters

_YEAR, _MONTH, _DAY = r"(?P<year>\d{4})", r"(?P<month>\d{2})", r"(?P<day>\d{2})"
_SHORT_MONTH, _SHORT_DAY = r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
# A folder of digits, date words and separators only: it means a day, even where no layout writes it so.
_DATE_LIKE = re.compile(r"(?:nam|thang|ngay)? *\d[\d ._-]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout; ``folders`` holds a pattern for each folder of the day, the last one last."""

    number: int
    sample: str
    """Below the station's folder, for 30 May 2019."""
    folders: tuple[str, ...]


LAYOUTS = (
    Layout(0, "2019/05/30", (_YEAR, _MONTH, _DAY)),
    Layout(1, "", ()),
    Layout(2, "20190530", (_YEAR + _MONTH + _DAY,)),
    Layout(3, "2019/Thang05/20190530", (_YEAR, f"thang *{_SHORT_MONTH}", r"(?P<compact>\d{8})")),
    Layout(4, "2019/Thang05/Ngay30", (_YEAR, f"thang *{_SHORT_MONTH}", f"ngay *{_SHORT_DAY}")),
    Layout(5, "2019-05-30", (f"{_YEAR}-{_MONTH}-{_DAY}",)),
    Layout(6, "2019/Thang05/30052019", (_YEAR, f"thang *{_SHORT_MONTH}", r"(?P<reversed>\d{8})")),
    Layout(7, "2019_05_30", (f"{_YEAR}_{_MONTH}_{_DAY}",)),
    Layout(8, "2019/05/30052019", (_YEAR, _MONTH, r"(?P<reversed>\d{8})")),
    Layout(
        9, "Nam 2019/thang 05/ngay 30", (f"nam *{_YEAR}", f"thang *{_SHORT_MONTH}", f"ngay *{_SHORT_DAY}")
    ),
)
"""By number."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path puts its files."""

    layout: Layout
    day: date | None
    """On the station's clock; ``None`` in the flat layout."""
    folders: tuple[str, ...]
    """Before those of the day, as sent: among them the station's."""


def layout_of(path: str) -> Place | None:
    """Read a folder's path, written with either slash; ``None`` where it means a day as no layout does.

    Case, accents and blanks in ``Năm``, ``Tháng`` and ``Ngày`` do not matter, in NFC or NFD.

    >>> layout_of("hanam3/Năm 2019/tháng 05/ngày 30").layout.number
    9
    >>> layout_of("/tudong/hanam/hanam3/2019/Thang05/30052019").day
    datetime.date(2019, 5, 30)
    """
    folders = folders_of(path)
    plain = [_plain(folder) for folder in folders]
    dated = [_DATE_LIKE.fullmatch(folder) is not None for folder in plain]
    count = dated[::-1].index(False) if False in dated else len(dated)
    if any(dated[: len(dated) - count]):
        return None
    if count == 0:
        return Place(LAYOUTS[1], None, folders)
    for layout in LAYOUTS:
        day = _day(layout, plain[-count:]) if len(layout.folders) == count else None
        if day is not None:
            return Place(layout, day, folders[:-count])
    return None


def folders_of(path: str) -> tuple[str, ...]:
    """Return the folders of a path, written with either slash."""
    return tuple(part.strip() for part in path.replace("\\", "/").split("/") if part.strip() not in ("", "."))


def _day(layout: Layout, folders: list[str]) -> date | None:
    """Return the day, where each folder fits and all of them mean the same one."""
    parts: dict[str, int] = {}
    for pattern, folder in zip(layout.folders, folders, strict=True):
        match = re.fullmatch(pattern, folder, re.ASCII)
        if match is None:
            return None
        for name, value in _numbers(match.groupdict()):
            if parts.setdefault(name, value) != value:
                return None
    try:
        return date(parts["year"], parts["month"], parts["day"])
    except ValueError:
        return None


def _numbers(groups: dict[str, str]) -> list[tuple[str, int]]:
    if text := groups.get("compact"):
        groups = {"year": text[:4], "month": text[4:6], "day": text[6:]}
    elif text := groups.get("reversed"):
        groups = {"day": text[:2], "month": text[2:4], "year": text[4:]}
    return [(name, int(digits)) for name, digits in groups.items()]


def _plain(folder: str) -> str:
    """Fold case, accents and runs of blanks: ``Tháng  05`` is ``thang 05``."""
    return plain_letters(fold(folder))
