"""What the writer of station files writes, the receiver's parser reads back as the same readings."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.conformance.corpus import REGISTRY, Entry, load_corpus
from quantrac.domain.catalogue import CATALOGUE
from quantrac.domain.inspection.file import inspect_file
from quantrac.domain.parsing import file_time, parse_file, station_code_from_name
from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.readings import Reading
from quantrac.domain.registry.stations import StationParameter
from quantrac.domain.station_files import (
    day_folder,
    file_name,
    write_file,
    write_line,
    write_number,
    write_unit,
)
from quantrac.domain.units import SPELLINGS, UNITS, canonical_unit
from quantrac.domain.written_times import read_iso
from quantrac.testing.builders import NOON, reading, station
from schemas.registry import load_directory, to_registry

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
STATIONS = list(to_registry(load_directory(REGISTRY)).stations.values())
CODES = sorted(parameter.code for parameter in CATALOGUE)
UNIT_NAMES = sorted({*SPELLINGS, *(unit.name for unit in UNITS)})
QUALIFIERS: list[Qualifier] = ["", "<", ">"]

values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-10_000, 10_000, places=3).map(float),
    st.integers(-10_000, 10_000).map(float),
)
times = st.integers(631_200_000, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
"""From 1990 to 2100."""


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Reading], datetime]:
    """Draw the readings of one time, each of another parameter."""
    at = draw(times)
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=6, unique=True))
    rows = []
    for line, code in enumerate(codes, start=1):
        value = draw(values)
        text = draw(st.sampled_from([repr(value), f"{value:.2f}", f"{value:.3f}", "12,4", "<0.2", ""]))
        rows.append(
            Reading(
                line,
                code,
                value,
                text,
                draw(st.sampled_from(UNIT_NAMES)),
                at,
                draw(st.sampled_from(["00", "01", "02", "3", "ERR"])),
                qualifier=draw(st.sampled_from(QUALIFIERS)),
            )
        )
    return rows, at


@given(files(), st.sampled_from([None, ".", ","]))
def test_what_is_written_reads_back_as_the_same_readings(
    file: tuple[list[Reading], datetime], declared: str | None
) -> None:
    rows, at = file
    parameters = [StationParameter(row.parameter, row.unit) for row in rows]
    target = station(parameters=parameters, decimal_sign=declared)
    content = write_file(write_line(row, VIETNAM) for row in rows)
    name = file_name(target.code, at, VIETNAM)
    parsed = parse_file(content, name, target, at + timedelta(minutes=1))
    assert parsed.rejects == []
    read = [(r.parameter, r.value, r.qualifier, r.unit, r.measured_at, r.status) for r in parsed.readings]
    assert read == [(r.parameter, r.value, r.qualifier, r.unit, at, r.status) for r in rows]
    assert file_time(name, b"", VIETNAM) == at
    assert station_code_from_name(name) == target.code


@pytest.mark.parametrize("entry", load_corpus(), ids=lambda entry: entry.name)
def test_what_was_read_of_real_and_odd_files_reads_back_when_it_is_written_anew(entry: Entry) -> None:
    received_at = read_iso(entry.received_at)
    read = inspect_file(b64decode(entry.content), entry.file, received_at, STATIONS, entry.name)
    for at in sorted(set(read.parsed.readings.measured_at)):
        assert read.station is not None
        rows = [row for row in read.parsed.readings if row.measured_at == at]
        zone = ZoneInfo(read.station.timezone)
        content = write_file(write_line(row, zone) for row in rows)
        name = file_name(read.station.code, at, zone)
        parsed = parse_file(content, name, read.station, max(at, received_at))
        assert [replace(row, line=0, text="") for row in parsed.readings] == [
            replace(row, line=0, text="") for row in rows
        ]


@given(files())
def test_every_line_has_the_five_columns_of_the_circular(file: tuple[list[Reading], datetime]) -> None:
    rows, at = file
    content = write_file(write_line(row, VIETNAM) for row in rows).decode()
    assert content.endswith("\r\n")
    for line in content.removesuffix("\r\n").split("\r\n"):
        _, _, _, time, _ = line.split("\t")
        assert time == f"{at.astimezone(VIETNAM):%Y%m%d%H%M%S}"


@pytest.mark.parametrize(
    ("value", "text", "written"),
    [
        (27.8, "27.80", "27.80"),  # the digits of the station
        (-1.6, "-1.60", "-1.60"),
        (300.0, "0.3", "300"),  # a unit was converted
        (7.85, "7,85", "7.85"),
        (0.2, "<0.2", "0.2"),
        (0.0, "0", "0"),
        (1e22, "1e22", "10000000000000000000000"),
        (1.013, "1.013", "1.0130"),  # to some readers a thousand and thirteen
        (1234.567, "1234.567", "1234.567"),
    ],
)
def test_a_value_keeps_its_digits_and_is_never_ambiguous(value: float, text: str, written: str) -> None:
    assert write_number(value, text) == written


def test_every_unit_is_written_so_that_it_means_the_same() -> None:
    for unit in UNIT_NAMES:
        assert canonical_unit(write_unit(unit)) == canonical_unit(unit), unit
    assert [unit for unit in UNIT_NAMES if not write_unit(unit).isascii()] == [
        unit for unit in UNIT_NAMES if any(letter in unit for letter in "‰độưạ")
    ]


def test_a_file_is_named_and_put_by_the_clock_of_its_station() -> None:
    late = NOON.replace(hour=17, minute=30)
    assert file_name("HN_A", late, VIETNAM) == "HN_A_20260326003000.txt"
    assert day_folder("HN_A", late, VIETNAM) == "HN_A/2026/03/26"


@pytest.mark.parametrize("code", ["..", "a/b", "a\tb"])
def test_a_code_that_leaves_its_folder_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        day_folder(code, NOON, VIETNAM)


@pytest.mark.parametrize("field", ["parameter", "unit", "status"])
def test_a_reading_that_no_line_can_carry_is_refused_by_its_line(field: str) -> None:
    with pytest.raises(ValueError, match=r"^line 1: a column of .* holds a control character$"):
        write_line(reading(**{field: "a\tb"}), VIETNAM)  # type: ignore[arg-type]


def test_an_hour_that_a_clock_shows_twice_is_written_once() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 for the second time in Berlin
    berlin = ZoneInfo("Europe/Berlin")
    assert "20261025023000" in write_line(reading(measured_at=second - timedelta(hours=1)), berlin)
    with pytest.raises(ValueError, match="is another time"):
        write_line(reading(measured_at=second), berlin)
