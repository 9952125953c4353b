"""Writes station files as Circular 10/2021/TT-BTNMT has them: the opposite of :mod:`quantrac.domain.parsing`.

A line is five columns divided by TABs: name, value, unit, time and status, closed by CRLF. The time is that
of the station's clock; all lines of a file have the same one, which is also in the file's name. The receiver
reads what is written here back as the same readings.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from quantrac.domain.file_names import check_file_name
from quantrac.domain.numbers import decimal_sign
from quantrac.domain.parsing.fields import to_utc
from quantrac.domain.plain_text import has_control
from quantrac.domain.readings import Reading
from quantrac.domain.units import canonical_unit

_TIME_FORMAT = "%Y%m%d%H%M%S"
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
# As real files write them.
_ASCII = str.maketrans({"µ": "u", "μ": "u", "°": "o", "²": "2", "³": "3"})


def write_line(reading: Reading, zone: ZoneInfo) -> str:
    r"""Return the line of a reading, without its end; ``zone`` is the station's clock.

    The value has the digits that the station wrote, unless its unit was converted. Raises ``ValueError`` with
    a sentence for a reading that no line can carry.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 24, 17, 5, tzinfo=UTC)
    >>> write_line(Reading(1, "PM2.5", 27.8, "27.80", "µg/m3", at, "00"), ZoneInfo("Asia/Ho_Chi_Minh"))
    'PM2.5\t27.80\tug/m3\t20260325000500\t00'
    """
    columns = (reading.parameter, write_unit(reading.unit), reading.status)
    if any(map(has_control, columns)):
        raise ValueError(
            f"line {reading.line}: a column of {reading.parameter!r:.80} holds a control character"
        )
    stamp = _stamp(reading.measured_at, zone)
    if to_utc(stamp, zone) != reading.measured_at:
        raise ValueError(f"line {reading.line}: {stamp} on the clock of {zone} is another time")
    name, unit, status = columns
    number = write_number(reading.value, reading.text)
    return "\t".join((name, f"{reading.qualifier}{number}", unit, stamp, status))


def write_file(lines: Iterable[str]) -> bytes:
    """Return the bytes of a file of these lines."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def file_name(code: str, measured_at: datetime, zone: ZoneInfo) -> str:
    """Return the name of a station's file; raises ``ValueError`` for a code that no name can carry.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 24, 17, 5, tzinfo=UTC)
    >>> file_name("HN_BKHN_KHIKXQ", at, ZoneInfo("Asia/Ho_Chi_Minh"))
    'HN_BKHN_KHIKXQ_20260325000500.txt'
    """
    return check_file_name(f"{code}_{_stamp(measured_at, zone)}.txt")


def day_folder(code: str, measured_at: datetime, zone: ZoneInfo) -> str:
    """Return the folder of a station's files of a day, ``CODE/yyyy/MM/dd``; raises as :func:`file_name`."""
    return f"{check_file_name(code)}/{measured_at.astimezone(zone):%Y/%m/%d}"


def write_number(value: float, text: str = "") -> str:
    """Write a value with a decimal point and without an exponent; as ``text`` where that is the same number.

    A point before exactly three decimals divides thousands to some readers, so that a fourth one is added.

    >>> write_number(12.4, "12.40"), write_number(12.4, "12,40"), write_number(1.013), write_number(1e-7)
    ('12.40', '12.4', '1.0130', '0.0000001')
    """
    if not (_PLAIN_NUMBER.fullmatch(text) and float(text) == value):
        text = format(Decimal(repr(value)), "f").removesuffix(".0")
    return f"{text}0" if "." in text and decimal_sign(text) is None else text


@lru_cache(maxsize=4096)
def write_unit(unit: str) -> str:
    """Write a unit in ASCII where that means the same; else as it is.

    >>> [write_unit(unit) for unit in ("µg/m³", "°C", "°", "‰", "")]
    ['ug/m3', 'oC', 'o', '‰', '']
    """
    plain, canonical = unit.translate(_ASCII), canonical_unit(unit)
    return plain if canonical is not None and canonical_unit(plain) == canonical else unit


def _stamp(measured_at: datetime, zone: ZoneInfo) -> str:
    return measured_at.astimezone(zone).strftime(_TIME_FORMAT)
