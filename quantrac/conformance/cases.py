"""What each file of the corpus is about, and which rejects and doubts it must give: written by hand.

The layouts are those of real files; decimal commas, encodings other than UTF-8, control bytes and most faults
are made up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

RECEIVED_AT = datetime(2026, 3, 24, 17, 6, tzinfo=UTC)
"""When every file is taken to be received: six minutes past midnight of 25 March, in Vietnam."""

_TIME = "20260325000500"
_AIR = f"HN_CONF_KHI001_{_TIME}.txt"
_WATER, _HOUR = "HN_CONF_NUO001_20260325000000.txt", "20260325000000"
_COMMA = f"HN_CONF_NUO002_{_TIME}.txt"
_PM = f"PM2.5\t27.81\tug/m3\t{_TIME}\t00"

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


def _lines(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def _value(text: str, name: str = "PM2.5", unit: str = "ug/m3", time: str = _TIME, status: str = "00") -> str:
    return f"{name}\t{text}\t{unit}\t{time}\t{status}"


_GOOD = (
    Case(
        "main-layout",
        _AIR,
        _lines(_value("14.91", "NO2"), _value("5.24", "SO2"), _PM, _value("23.90", "Temp", "oC")),
        "Name, value, unit, time, status, divided by TABs, lines ended by CRLF: the layout to write.",
        4,
    ),
    Case(
        "statuses",
        _AIR,
        _lines(
            _value("14.91", "NO2", status="01"), _value("3087.03", "CO", status="02"), _value("5", status="0")
        ),
        "Statuses 01 and 02 beside their values; a whole number gets its zero.",
        3,
    ),
    Case(
        "no-status",
        _AIR,
        _lines(f"PM2.5\t27.81\tug/m3\t{_TIME}"),
        "Without a status column an instrument counts as measuring.",
        1,
    ),
    Case(
        "time-first",
        _AIR,
        _lines(f"{_TIME}\tPM2.5\t27.81\tug/m3", f"{_TIME}\tNO2\t14.91\tug/m3"),
        "Time, name, value, unit.",
        2,
    ),
    Case(
        "time-first-without-unit",
        _AIR,
        _lines(f"{_TIME}\tTemp\t23.9"),
        "Time, name, value; the unit is that of the registry.",
        1,
    ),
    Case(
        "without-unit",
        _AIR,
        _lines(f"Temp\t23.9\t{_TIME}\t00"),
        "Name, value, time, status; the unit is that of the registry.",
        1,
    ),
    Case(
        "blanks-for-tabs",
        _AIR,
        _lines(f"PM2.5 27.81 ug/m3 {_TIME} 00", f"NO2   14.91  ug/m3  {_TIME}  00"),
        "Without any TAB, blanks divide the columns of names that hold none.",
        2,
    ),
    Case(
        "names-with-blanks-and-commas",
        _AIR,
        _lines(_value("0.00", "Vinyl chloride", "ppb"), _value("0.31", "m,p-Xylene", "ppb")),
        "Between TABs a name may hold blanks and commas.",
        2,
    ),
    Case(
        "vietnamese-names",
        _AIR,
        _lines(_value("23.9", "Nhiệt độ", "°C"), _value("1009.3", "Áp suất", "hPa")),
        "Names of the catalogue in Vietnamese, UTF-8.",
        2,
    ),
    Case(
        "names-that-look-the-same",
        _AIR,
        _lines(_value("14.91", "no₂"), _value("23.9", "Nhiê\u0323t đô\u0323", "oC"), _value("5", "PM-2-5")),
        "Case, lowered digits, decomposed letters, known other spellings.",
        3,
    ),
    Case(
        "registered-file-name",
        _AIR,
        _lines(_value("27.81", "Dust_PM2.5")),
        "A name of the logger's own, registered under `file_names`.",
        1,
    ),
    Case("unit-of-none", _WATER, _lines(_value("8.81", "pH", "", _HOUR)), "pH has no unit.", 1),
    Case(
        "unit-registered-for-empty-column",
        _AIR,
        _lines(_value("23.9", "Temp", "")),
        "The registry's `file_unit` says what an empty unit column means.",
        1,
    ),
    Case(
        "units-written-otherwise",
        _AIR,
        _lines(_value("14.91", "NO2", "µg·m⁻³"), _value("5.2", "SO2", "UG/M3"), _value("27", unit="µg/Nm3")),
        "Spellings of one unit; in ambient air a cubic metre is a normal one.",
        3,
    ),
    Case(
        "units-converted",
        _AIR,
        _lines(
            _value("14.91", "NO2", "ppb"), _value("0.0278", unit="mg/m3"), _value("100.93", "Pressure", "kPa")
        ),
        "Values are stored in the registered unit: µg/m3, µg/m3, hPa.",
        3,
    ),
    Case(
        "unit-overridden",
        _AIR,
        _lines(_value("1203.5", "CO", "mg/Nm3")),
        "The registry's `unit_override` corrects a unit that the logger writes wrongly.",
        1,
    ),
    Case(
        "negative-number-and-exponent",
        _AIR,
        _lines(_value("-1.60", "Radiation", "W/m2"), _value("1.5E+01")),
        "A sign and an exponent.",
        2,
    ),
    Case(
        "decimal-commas",
        _AIR,
        _lines(_value("27,81"), _value("14,9", "NO2")),
        "Decimal commas of which each shows that it is one.",
        2,
    ),
    Case(
        "decimal-sign-declared",
        _COMMA,
        _lines(_value("1,234", "COD", "mg/L"), _value("1.234,5", "Flow", "m3/h")),
        "With the station's `decimal_sign` the number is 1.234, and 1234.5 with divided thousands.",
        2,
    ),
    Case(
        "below-a-limit",
        _WATER,
        _lines(_value("<0.2", "NO3-N", "mg/L", _HOUR), _value("KPH (<0,03)", "DO", "mg/L", _HOUR)),
        "A value beyond a limit of the method: the limit, and a qualifier beside it.",
        2,
    ),
    Case("twelve-digits", _AIR, _lines(_value("27.81", time="202603250005")), "A time without seconds.", 1),
    Case(
        "midnight-as-24-00",
        "HN_CONF_NUO001_20260325000000.txt",
        _lines(_value("7.1", "pH", "", "20260324240000")),
        "24:00 of the 24th is 00:00 of the 25th.",
        1,
    ),
    Case(
        "bom-lf-and-no-last-line-end",
        _AIR,
        b"\xef\xbb\xbf" + _lines(_PM, end="\n") + _value("14.91", "NO2").encode(),
        "A byte order mark, LF, and a last line that is whole without its end.",
        2,
    ),
    Case("utf-16", _AIR, _lines(_PM).decode().encode("utf-16"), "UTF-16 with its byte order mark.", 1),
    Case(
        "windows-1258",
        _WATER,
        _lines(_value("27.4", "Temp", "°C", _HOUR)).decode().encode("cp1258"),
        "The encoding that the station's registry entry declares.",
        1,
    ),
    Case(
        "titles-comments-end-mark",
        _AIR,
        _lines("# logger 7", "HN_CONF_KHI001_Trạm\t", "Parameter\tValue\tUnit\tTime\tStatus", _PM, "", "EOF"),
        "Lines about no measurement are left out without a reject.",
        1,
    ),
    Case(
        "control-bytes-around-columns",
        _AIR,
        b"\x02" + _PM.encode() + b"\x03\r\n\x1a",
        "STX, ETX and the end of a file in DOS, around columns.",
        1,
    ),
    Case("alias-in-the-name", f"CONF_AIR_{_TIME}.txt", _lines(_PM), "The name states a registered alias.", 1),
    Case(
        "pattern-of-the-name",
        "air 25_03_2026 00_05.lsi",
        _lines(_PM),
        "A name without a code, for which a pattern is registered.",
        1,
    ),
    Case(
        "several-times",
        _AIR,
        _lines(_value("20.5", time="20260325000000"), _PM),
        "A file may hold several times.",
        2,
    ),
)

_REJECTED = (
    Case("empty-file", _AIR, b"", "No byte.", 0, [(0, "empty-file")]),
    Case(
        "side-file",
        f"{_AIR}_Zone.Identifier",
        b"[ZoneTransfer]\r\nZoneId=3\r\n",
        "What Windows keeps beside a file that it downloaded.",
        0,
        [(0, "side-file")],
    ),
    Case("not-text", _AIR, b"PK\x03\x04\x14\x00\x08\x00" * 40, "An archive.", 0, [(0, "not-text")]),
    Case(
        "not-utf8",
        _AIR,
        b"Nhi\xd6t\t23.9\toC\t20260325000500\t00\r\n" + _lines(_PM),
        "A line with bytes of another encoding that is not declared; the other line stays.",
        1,
        [(1, "not-utf8")],
    ),
    Case(
        "truncated-line",
        _AIR,
        _lines(_PM) + b"NO2\t14.91\tug/m3\t2026032500",
        "The file breaks off within a line.",
        1,
        [(2, "truncated-line")],
    ),
    Case(
        "columns-by-semicolons",
        _AIR,
        _lines(_PM, _value("14.91", "NO2").replace("\t", ";")),
        "Semicolons in the place of TABs.",
        1,
        [(2, "too-few-columns")],
    ),
    Case("too-many-columns", _AIR, _lines(_PM, _PM + "\tx"), "Six columns.", 1, [(2, "too-many-columns")]),
    Case(
        "ambiguous-columns",
        _AIR,
        _lines(_PM, f"Vinyl chloride 0.00 ppb {_TIME} 00"),
        "A name with a blank, and no TAB.",
        1,
        [(2, "ambiguous-columns")],
    ),
    Case(
        "json",
        _AIR,
        b'{"parameter": "PM2.5", "value": 27.81}\r\n',
        "JSON is no station file.",
        0,
        [(1, "ambiguous-columns")],
    ),
    Case(
        "times",
        _AIR,
        _lines(
            _PM,
            _value("14.91", "NO2", time="2026-03-25T00:05:00"),
            _value("5.24", "SO2", time="20260324240500"),
            _value("23.9", "Temp", "oC", time="19700101000000"),
        ),
        "ISO 8601, a time past 24:00, a clock without power.",
        1,
        [(2, "bad-time"), (3, "bad-time"), (4, "time-out-of-range")],
    ),
    Case(
        "names",
        _AIR,
        _lines(_PM, _value("14.91", ""), _value("1", "Amonni", "mg/L")),
        "No name, and one that neither registry nor catalogue knows.",
        1,
        [(2, "missing-name"), (3, "unknown-parameter")],
    ),
    Case(
        "no-numbers",
        _AIR,
        _lines(_PM, *(_value(text, "NO2") for text in ("12,4x", "NaN", "", "-", "1_000", "1e999"))),
        "What is no number is never turned into 0.",
        1,
        [(line, "value-not-a-number") for line in range(2, 8)],
    ),
    Case(
        "ambiguous-number",
        _AIR,
        _lines(_value("1,013"), _value("23.9", "Temp", "oC")),
        "It may be 1.013 or 1013; the other number shows a point.",
        1,
        [(1, "ambiguous-number")],
    ),
    Case(
        "not-detected",
        _WATER,
        _lines(_value("KPH", "NO3-N", "mg/L", _HOUR), _value("7.1", "pH", "", _HOUR)),
        "Not detected, and below which limit is not said.",
        1,
        [(1, "not-detected")],
    ),
    Case(
        "units",
        _AIR,
        _lines(_PM, _value("14.91", "NO2", "furlong"), _value("5.24", "SO2", "oC")),
        "A unit that is unknown, and one that the parameter cannot be in.",
        1,
        [(2, "unknown-unit"), (3, "incompatible-unit")],
    ),
    Case(
        "duplicates",
        _AIR,
        _lines(_PM, _PM, _value("30.5")),
        "The first reading of a parameter and time stays.",
        1,
        [(2, "duplicate-line"), (3, "duplicate-parameter")],
    ),
    Case(
        "unknown-station",
        f"HN_CONF_KHI009_{_TIME}.txt",
        _lines(_PM),
        "The name states a code that is not registered.",
        0,
        [(0, "unknown-station")],
    ),
    Case(
        "ambiguous-station",
        "HN_CONF_KHI001 HN_CONF_NUO001.txt",
        _lines(_PM),
        "The name fits two stations.",
        0,
        [(0, "ambiguous-station")],
    ),
)

_DOUBTED = (
    Case(
        "status-unknown",
        _AIR,
        _lines(_value("27.81", status="3"), _value("14.91", "NO2", status="OK")),
        "Statuses that the circular does not know: suspect.",
        2,
        doubts=[(1, "status"), (2, "status")],
    ),
    Case(
        "error-codes",
        _AIR,
        _lines(_value("-9999"), _value("65535", "Pressure", "hPa")),
        "Numbers that loggers and buses write for no value: fail.",
        2,
        doubts=[
            (1, "error_code"),
            (1, "physical_range"),
            (1, "negative"),
            (2, "error_code"),
            (2, "physical_range"),
        ],
    ),
    Case(
        "off-the-clock",
        "HN_CONF_NUO001_20260325002100.txt",
        _lines(_value("7.1", "pH", "", "20260324232100")),
        "21 minutes past the hour, of a station of whole hours; and another time in the name.",
        1,
        doubts=[(1, "grid")],
    ),
    Case(
        "name-and-lines-apart",
        "HN_CONF_KHI001_20260325000500.txt",
        _lines(_value("27.81", time="20260324201000")),
        "The name states another time than its lines.",
        1,
        doubts=[(0, "time-apart")],
    ),
    Case(
        "first-line-of-another-station",
        _AIR,
        _lines("HN_CONF_NUO001_Trạm nước\t", _PM),
        "The first line states another station than the name.",
        1,
        doubts=[(0, "station-apart")],
    ),
    Case(
        "unit-not-written",
        _AIR,
        _lines(_value("27.81", unit=""), f"NO2\t14.91\t{_TIME}\t00"),
        "An empty unit column, and a layout without one: taken in the registered unit.",
        2,
        doubts=[(1, "unit-assumed"), (2, "unit-assumed")],
    ),
    Case(
        "comma-inferred",
        _AIR,
        _lines(_value("27,81"), _value("1,013", "NO2")),
        "The second comma is one of decimals only because the first is.",
        2,
        doubts=[(2, "decimal-sign-inferred")],
    ),
    Case(
        "future",
        "HN_CONF_KHI001.txt",
        _lines(_value("27.81", time="20260325022000")),
        "Measured more than two hours after its receipt: suspect.",
        1,
        doubts=[(1, "future")],
    ),
    Case(
        "out-of-range",
        _WATER,
        _lines(_value("14.5", "pH", "", _HOUR)),
        "A pH that no water has: fail.",
        1,
        doubts=[(1, "physical_range")],
    ),
)

CASES = (*_GOOD, *_REJECTED, *_DOUBTED)
