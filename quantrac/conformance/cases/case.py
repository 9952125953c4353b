"""One case, and the pieces that files are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

RECEIVED_AT = datetime(2026, 3, 24, 17, 6, tzinfo=UTC)
"""When every file is taken to be received: six minutes past midnight of 25 March, in Vietnam."""

TIME = "20260325000500"
"""Five past midnight, the time of most lines."""
AIR = f"HN_CONF_KHI001_{TIME}.txt"
WATER, HOUR = "HN_CONF_NUO001_20260325000000.txt", "20260325000000"
COMMA = f"HN_CONF_NUO002_{TIME}.txt"
PM = f"PM2.5\t27.81\tug/m3\t{TIME}\t00"

Places = Sequence[tuple[int, str]]
"""(line, code); line 0 is the whole file."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file, and what must come of it."""

    name: str
    file: str
    """Name of the file as it is sent."""
    content: bytes
    about: str
    readings: int
    rejects: Places = ()
    """Reasons."""
    doubts: Places = ()
    """Codes."""


def lines(*rows: str, end: str = "\r\n") -> bytes:
    """Return a file of these lines."""
    return "".join(row + end for row in rows).encode()


def value(text: str, name: str = "PM2.5", unit: str = "ug/m3", time: str = TIME, status: str = "00") -> str:
    """Return a line of five columns."""
    return f"{name}\t{text}\t{unit}\t{time}\t{status}"
