"""Whatever a file holds, it is read and doubted without an error, and as the receiver reads it."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.inspection.doubts import find_doubts
from quantrac.domain.inspection.file import inspect_file
from quantrac.domain.inspection.json_form import to_strict_json
from quantrac.domain.parsing import parse_file
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationParameter, StationType
from quantrac.testing.builders import registry, station
from schemas.rules import RuleBook, load
from support.effort import examples

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)
BOOK = RuleBook(load())
STATIONS = (
    station("HN_A_KHI001", parameters=[StationParameter(code, "µg/m3") for code in ("PM2.5", "NO2")]),
    station(
        "HN_A_NUO001",
        type=StationType.WASTEWATER,
        interval_seconds=3600,
        encoding="cp1258",
        parameters=[StationParameter("pH", ""), StationParameter("COD", "mg/L", valid_to=RECEIVED)],
    ),
)
REGISTRY = registry(STATIONS, [])

NAMES = st.sampled_from(
    [
        "PM2.5",
        "NO2",
        "pH",
        "COD",
        "Nhiệt độ",
        "",
        "PM2.5\x00",
        "20260325000500",
        "#",
        "HN_A_NUO001",
        "x" * 300,
    ]
)
VALUES = st.sampled_from(["27.81", "1,013", "7,85", "<0.2", "KPH", "-9999", "1e308", "NaN", "", "0", "x"])
UNITS = st.sampled_from(["ug/m3", "ppb", "mg/L", "", "-", "furlong", "°C"])
TIMES = st.sampled_from(
    [
        "20260325000500",
        "202603242100",
        "19900101000000",
        "21051231235959",
        "99991231235959",
        "20260325240000",
        "",
    ]
)
STATUSES = st.sampled_from(["00", "01", "02", "3", "", "OK"])
LINES = st.tuples(NAMES, VALUES, UNITS, TIMES, STATUSES).flatmap(
    lambda columns: st.sampled_from(
        ["\t".join(columns), "\t".join(columns[:4]), " ".join(columns), columns[0]]
    )
)
CONTENTS = st.binary(max_size=60) | st.lists(LINES, max_size=12).flatmap(
    lambda lines: st.sampled_from(
        [end.join(lines).encode(code) for end in ("\r\n", "\n") for code in ("utf-8", "utf-16")]
    )
)
FILE_NAMES = st.sampled_from(
    [
        "HN_A_KHI001_20260325000500.txt",
        "HN_A_NUO001_99991231235959.txt",
        "HN_A_NUO001_000101010000.txt",
        "x",
        "",
    ]
)


@given(CONTENTS, FILE_NAMES, st.sampled_from(["", "2026/HN_A_NUO001/03"]))
@settings(max_examples=examples(150), deadline=None)
def test_no_file_raises_and_its_readings_are_those_of_the_receiver(
    content: bytes, name: str, folder: str
) -> None:
    file = inspect_file(content, name, RECEIVED, STATIONS, folder)
    doubts = find_doubts(file, REGISTRY, BOOK)
    lines = set(file.parsed.readings.line)
    assert all(doubt.line in lines or doubt.line == 0 for doubt in doubts)
    assert lines <= set(file.written)
    if file.station is not None:
        parsed = parse_file(content, name, file.station, RECEIVED)
        assert (file.parsed.readings, file.parsed.rejects) == (parsed.readings, parsed.rejects)
    else:
        assert not file.parsed.readings
    to_strict_json(file, doubts)


@given(CONTENTS, FILE_NAMES)
@settings(max_examples=examples(75), deadline=None)
def test_no_file_raises_without_a_registry(content: bytes, name: str) -> None:
    file = inspect_file(content, name, RECEIVED)
    find_doubts(file, Registry(), BOOK)


def test_the_same_file_is_doubted_alike_twice() -> None:
    content = b"PM2.5\t-9999\t\t20260325065900\t7\r\n"
    first, second = (
        find_doubts(inspect_file(content, "HN_A_KHI001.txt", RECEIVED, STATIONS), REGISTRY, BOOK)
        for _ in range(2)
    )
    assert first == second
    assert [doubt.line for doubt in first] == sorted(doubt.line for doubt in first)


def test_of_a_long_file_the_first_thousand_doubts_are_listed() -> None:
    content = "".join(
        f"PM2.5\t-9999\t\t2026{n // 28 % 3 + 1:02}{n % 28 + 1:02}{n // 84:02}0000\t7\r\n" for n in range(400)
    )
    doubts = find_doubts(
        inspect_file(content.encode(), "HN_A_KHI001.txt", RECEIVED, STATIONS), REGISTRY, BOOK
    )
    assert len(doubts) == 1000
