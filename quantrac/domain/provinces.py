"""Vietnam's provinces and cities by their two-digit codes, before and after 1 July 2025.

Resolution 202/2025/QH15 made 34 of 63; Decision 19/2025/QĐ-TTg gave the codes, in place of Decision
124/2004/QĐ-TTg. A new code may be an old one of another place (15 was Yên Bái and is Lào Cai), so a code
means nothing without its date. The letters come from a secondary source: they stand in old station codes and
say nothing of the present province.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from quantrac.domain.registry.validity import Valid
from quantrac.domain.spellings import fold, nearest, plain_letters
from quantrac.errors import UserError

MERGED_AT = datetime(2025, 6, 30, 17, tzinfo=UTC)
"""Midnight of 1 July 2025 in Vietnam."""


@dataclass(frozen=True, slots=True)
class Province(Valid):
    """A province or a city under the central government."""

    code: str
    name: str
    letters: str = ""
    """Of the old units; source: default, unverified."""
    successor: str = ""
    """New code of an old unit."""


_NEW = (
    ("01", "Hà Nội"),
    ("04", "Cao Bằng"),
    ("08", "Tuyên Quang"),
    ("11", "Điện Biên"),
    ("12", "Lai Châu"),
    ("14", "Sơn La"),
    ("15", "Lào Cai"),
    ("19", "Thái Nguyên"),
    ("20", "Lạng Sơn"),
    ("22", "Quảng Ninh"),
    ("24", "Bắc Ninh"),
    ("25", "Phú Thọ"),
    ("31", "Hải Phòng"),
    ("33", "Hưng Yên"),
    ("37", "Ninh Bình"),
    ("38", "Thanh Hóa"),
    ("40", "Nghệ An"),
    ("42", "Hà Tĩnh"),
    ("44", "Quảng Trị"),
    ("46", "Huế"),
    ("48", "Đà Nẵng"),
    ("51", "Quảng Ngãi"),
    ("52", "Gia Lai"),
    ("56", "Khánh Hòa"),
    ("66", "Đắk Lắk"),
    ("68", "Lâm Đồng"),
    ("75", "Đồng Nai"),
    ("79", "Hồ Chí Minh"),
    ("80", "Tây Ninh"),
    ("82", "Đồng Tháp"),
    ("86", "Vĩnh Long"),
    ("91", "An Giang"),
    ("92", "Cần Thơ"),
    ("96", "Cà Mau"),
)
_OLD = (
    ("01", "Hà Nội", "HN", "01"),
    ("02", "Hà Giang", "HG", "08"),
    ("04", "Cao Bằng", "CB", "04"),
    ("06", "Bắc Kạn", "BC", "19"),
    ("08", "Tuyên Quang", "TQ", "08"),
    ("10", "Lào Cai", "LCa", "15"),
    ("11", "Điện Biên", "ĐB", "11"),
    ("12", "Lai Châu", "LC", "12"),
    ("14", "Sơn La", "SL", "14"),
    ("15", "Yên Bái", "YB", "15"),
    ("17", "Hòa Bình", "HB", "25"),
    ("19", "Thái Nguyên", "TNg", "19"),
    ("20", "Lạng Sơn", "LS", "20"),
    ("22", "Quảng Ninh", "QN", "22"),
    ("24", "Bắc Giang", "BG", "24"),
    ("25", "Phú Thọ", "PT", "25"),
    ("26", "Vĩnh Phúc", "VP", "25"),
    ("27", "Bắc Ninh", "BN", "24"),
    ("30", "Hải Dương", "HD", "31"),
    ("31", "Hải Phòng", "HP", "31"),
    ("33", "Hưng Yên", "HY", "33"),
    ("34", "Thái Bình", "TB", "33"),
    ("35", "Hà Nam", "HNa", "37"),
    ("36", "Nam Định", "NĐ", "37"),
    ("37", "Ninh Bình", "NB", "37"),
    ("38", "Thanh Hóa", "TH", "38"),
    ("40", "Nghệ An", "NA", "40"),
    ("42", "Hà Tĩnh", "HT", "42"),
    ("44", "Quảng Bình", "QB", "44"),
    ("45", "Quảng Trị", "QT", "44"),
    ("46", "Thừa Thiên Huế", "TTH", "46"),
    ("48", "Đà Nẵng", "ĐNa", "48"),
    ("49", "Quảng Nam", "QNa", "48"),
    ("51", "Quảng Ngãi", "QNg", "51"),
    ("52", "Bình Định", "BĐ", "52"),
    ("54", "Phú Yên", "PY", "66"),
    ("56", "Khánh Hòa", "KH", "56"),
    ("58", "Ninh Thuận", "NT", "56"),
    ("60", "Bình Thuận", "BTh", "68"),
    ("62", "Kon Tum", "KT", "51"),
    ("64", "Gia Lai", "GL", "52"),
    ("66", "Đắk Lắk", "ĐL", "66"),
    ("67", "Đắk Nông", "ĐNô", "68"),
    ("68", "Lâm Đồng", "LĐ", "68"),
    ("70", "Bình Phước", "BP", "75"),
    ("72", "Tây Ninh", "TN", "80"),
    ("74", "Bình Dương", "BD", "79"),
    ("75", "Đồng Nai", "ĐN", "75"),
    ("77", "Bà Rịa - Vũng Tàu", "BV", "79"),
    ("79", "Hồ Chí Minh", "HCM", "79"),
    ("80", "Long An", "LA", "80"),
    ("82", "Tiền Giang", "TG", "82"),
    ("83", "Bến Tre", "BT", "86"),
    ("84", "Trà Vinh", "TV", "86"),
    ("86", "Vĩnh Long", "VL", "86"),
    ("87", "Đồng Tháp", "ĐT", "82"),
    ("89", "An Giang", "AG", "91"),
    ("91", "Kiên Giang", "KG", "91"),
    ("92", "Cần Thơ", "CT", "92"),
    ("93", "Hậu Giang", "HGi", "92"),
    ("94", "Sóc Trăng", "ST", "92"),
    ("95", "Bạc Liêu", "BL", "96"),
    ("96", "Cà Mau", "CM", "96"),
)

PROVINCES: tuple[Province, ...] = (
    *(Province(*row, valid_to=MERGED_AT) for row in _OLD),
    *(Province(*row, valid_from=MERGED_AT) for row in _NEW),
)
"""The 63 old units, then the 34 of today."""

PRESENT_CODES = frozenset(code for code, _ in _NEW)
"""Codes of the 34 units of today."""

FORMER_CODES = frozenset(code for code, *_ in _OLD)
"""Codes of the 63 units until 30 June 2025."""

_KINDS = re.compile(r"^(?:tp\.?|thanh pho|tinh) ?(?=\w)")


def _name_key(name: str) -> str:
    """Fold a name as people type it: without marks, ``hanoi`` in one word, ``TP.`` and ``tỉnh`` left out."""
    return "".join(_KINDS.sub("", plain_letters(fold(name))).split())


_CODES = {code: code for code in PRESENT_CODES} | {_name_key(name): code for code, name in _NEW}
_SUCCESSORS = {
    key: (name, successor)
    for code, name, _, successor in _OLD
    for key in (code, _name_key(name))
    if key not in _CODES
}
"""Code and folded name of an old unit that is no present one → its name, and the code of today's."""


def look_up_province(name: str) -> str:
    """Return the code of a province of today by its code or its name; raises UserError with the nearest one.

    >>> [look_up_province(name) for name in ("Hà Nội", "Da Nang", "TP. Huế", "48", "1")]
    ['01', '48', '46', '48', '01']
    >>> look_up_province("02")
    Traceback (most recent call last):
    ...
    quantrac.errors.UserError: '02' is no province of today: Hà Giang is in '08' since 1 July 2025
    """
    key = _name_key(name)
    # A code that went through a spreadsheet has lost its first zero.
    code = _CODES.get(key) or _CODES.get(name.zfill(2))
    if code is not None:
        return code
    if key in _SUCCESSORS:
        old, successor = _SUCCESSORS[key]
        raise UserError(f"{name!r} is no province of today: {old} is in {successor!r} since 1 July 2025")
    near = nearest(name, (text for unit in _NEW for text in unit))
    raise UserError(f"{name!r:.80} is no province of today; the nearest is {near[0]!r}")
