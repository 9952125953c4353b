"""Files read by columns: the same readings as line by line, and nothing that is not uniform."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.parsing import parser
from quantrac.domain.parsing.fields import Times
from quantrac.domain.parsing.parser import ParsedFile, parse_file
from quantrac.domain.parsing.targets import StationNames
from quantrac.domain.parsing.text import read_lines
from quantrac.domain.parsing.uniform import read_uniform
from quantrac.domain.registry.stations import StationParameter
from quantrac.testing.builders import NOON, station

STATION = station(
    parameters=[
        StationParameter("PM2.5", "µg/m3", file_names=("PM-2-5",)),
        StationParameter("CO", "µg/m3", file_unit="mg/m3"),
        StationParameter("TEMP", "°C"),
        StationParameter("O3", "µg/m3", valid_from=NOON),
    ]
)
USUAL = [
    ("PM2.5", "12.40", "ug/m3", "20260325120000", "00"),
    ("CO", "0.3", "mg/m3", "20260325120000", "00"),
    ("TEMP", "-1.60", "oC", "20260325120000", "01"),
]

LINES = st.tuples(
    st.sampled_from(["PM2.5", "PM-2-5", "CO", "TEMP", "O3", "NOPE", "", " CO ", "\x02CO", "EOF"]),
    st.sampled_from(
        [
            "12.4",
            "0",
            "-0",
            "7,85",
            "1,013",
            "1.250",
            " 3 ",
            "1_000",
            "1e3",
            "nan",
            "inf",
            "1e308",
            "9e307",
            "٣",
            "",
            "x",
        ]
    ),
    st.sampled_from(["ug/m3", "mg/m3", "oC", "", "-", "furlong"]),
    st.sampled_from(
        ["20260325120000", "20260325120500", "202603251200", "20260324240000", "20991231000000", "soon", ""]
    ),
    st.sampled_from(["00", "01", "", " 02 ", "1", "3", "00\x1a", "0\x000"]),
)
FILES = st.tuples(
    st.lists(st.sampled_from(USUAL) | LINES, max_size=6),
    st.sampled_from(["\n", "\r\n", "\n\n", "\t\n", "\x00\n"]),
    st.booleans(),
)


def content(lines: Sequence[Sequence[str]], end: str = "\r\n", *, is_ended: bool = True) -> bytes:
    text = end.join("\t".join(line) for line in lines) + (end if is_ended else "")
    return text.encode()


def by_line(file: bytes) -> ParsedFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser, "read_uniform", lambda *_: None)
        return parse_file(file, "a.txt", STATION, NOON)


def uniform(file: bytes) -> Any:
    return read_uniform(read_lines(file), Times(StationNames(STATION), NOON))


@given(FILES)
def test_a_file_gives_the_same_whichever_way_it_is_read(
    file: tuple[list[tuple[str, ...]], str, bool],
) -> None:
    lines, end, is_ended = file
    written = content(lines, end, is_ended=is_ended)
    assert repr(parse_file(written, "a.txt", STATION, NOON)) == repr(by_line(written))


def test_a_usual_file_is_read_by_columns() -> None:
    readings = uniform(content(USUAL))
    assert readings == by_line(content(USUAL)).readings
    assert readings.parameter == ["PM2.5", "CO", "TEMP"]
    assert readings.value == [12.4, 300.0, -1.6]


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (0, 0, "NOPE"),
        (1, 0, "PM-2-5"),
        (1, 1, "12,4"),
        (1, 1, "nan"),
        (1, 1, "1_0"),
        (1, 2, "furlong"),
        (2, 3, "20260325120500"),
        (2, 4, "00\t"),
    ],
)
def test_a_file_with_a_fault_is_left_to_the_reader_of_lines(row: int, column: int, text: str) -> None:
    lines = [list(line) for line in USUAL]
    lines[row][column] = text
    assert uniform(content(lines)) is None


def test_the_same_layout_is_given_again_until_names_or_units_change() -> None:
    targets = StationNames(STATION).targets_at(NOON)
    first = targets.layout(("CO", "TEMP"), ("mg/m3", "oC"))
    assert targets.layout(("CO", "TEMP"), ("mg/m3", "oC")) is first
    other = targets.layout(("CO", "TEMP"), ("ug/m3", "oC"))
    assert first is not None
    assert other is not None
    assert (len(first.conversions), len(other.conversions)) == (1, 0)
    assert targets.layout(("PM2.5", "PM-2-5"), ("ug/m3", "ug/m3")) is None
