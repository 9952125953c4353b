"""Control characters around data: what loggers, C programs and lines of telemetry leave there is no data.

The end of a file in DOS (0x1A), frames of STX and ETX, NULs that pad, BEL, ESC, DEL. Where one stands within
a column, between two characters that are data, nothing can be said of the column.
"""

import re

CONTROL = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))
"""C0 but TAB and line ends, and DEL."""
CONTROL_BYTES = CONTROL.encode()

_CONTROL = re.compile(f"[{re.escape(CONTROL)}]")
_AROUND = CONTROL + " "
# What a terminal reads as one (ECMA-48): its letters are no data either.
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# An ESC before a sign begins a command of some device, of which the sign is part.
_COMMAND = re.compile(r"\x1b[^\w\s]")


def has_control(text: str) -> bool:
    r"""Tell whether a line or a cell holds a control character.

    >>> has_control("00\x1a"), has_control("NO2\t14.91")
    (True, False)
    """
    return _CONTROL.search(text) is not None


def strip_control(line: str) -> str:
    r"""Return a line without the control characters around its columns; those within one stay.

    Columns are divided by TABs; blanks beside control characters go too.

    >>> strip_control("\x02NO2\t14.91\x00\x00\tug/m3\t20260325000500\t00\x03\x1a")
    'NO2\t14.91\tug/m3\t20260325000500\t00'
    >>> strip_control("N\x00O2\t14.91")
    'N\x00O2\t14.91'
    """
    line = _SEQUENCE.sub("", line)
    if _COMMAND.search(line):
        return line
    return "\t".join(column.strip(_AROUND) for column in line.split("\t"))
