"""Names and units in station files: what only looks different is the same, what resembles is asked about."""

from datetime import UTC, datetime

import pytest

from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.testing.builders import station

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)


def read(at: Station | None, *columns: tuple[str, str, str]) -> ParsedFile:
    lines = (f"{name}\t{value}\t{unit}\t20260325000500\t00\r\n" for name, value, unit in columns)
    return parse_file("".join(lines).encode(), "a.txt", at, RECEIVED)


def reading(at: Station | None, name: str, value: str, unit: str) -> tuple[str, float, str]:
    parsed = read(at, (name, value, unit))
    assert parsed.rejects == []
    (only_reading,) = parsed.readings
    return only_reading.parameter, only_reading.value, only_reading.unit


def reason(at: Station | None, name: str, value: str, unit: str) -> tuple[str, str]:
    (reject,) = read(at, (name, value, unit)).rejects
    return reject.reason, reject.detail


PLANT = station(
    "HN_ABCD_NUO001",
    type=StationType.WASTEWATER,
    parameters=[
        StationParameter("Humidity", "%"),
        StationParameter("Turbidity", "NTU"),
        StationParameter("DO", "mg/L"),
        StationParameter("NO2-N", "mg/L", file_names=("Nitơ hoá",)),
        StationParameter("Temp", "°C"),
        StationParameter("FlowOut", "m3/h"),
        StationParameter("COD", "mg/L"),
    ],
)
AIR = station(
    "HN_ABCD_KHI001",
    parameters=[
        StationParameter("NO2", "µg/m3"),
        StationParameter("PM2.5", "µg/m3"),
        StationParameter("WindDir", "°"),
        StationParameter("CO", "mg/m3"),
    ],
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Ðộ ẩm", "Humidity"),
        ("Ðộ đục", "Turbidity"),
        ("Oxy hoà tan", "DO"),
        ("Oxi ho\u00e0 tan", "DO"),
        ("NITƠ HÓA", "NO2-N"),
        ("\ufeffCOD", "COD"),
        ("CO\u200bD", "COD"),
        ("\u0421OD", "COD"),
    ],
)
def test_a_name_that_looks_the_same_is_the_parameter(name: str, code: str) -> None:
    assert reading(PLANT, name, "5.5", "")[0] == code
    assert reading(AIR, "NO₂", "14.9", "µg/m³") == ("NO2", 14.9, "µg/m3")
    assert reading(None, "SO₂", "9.1", "µg/m3") == ("SO2", 9.1, "µg/m3")


@pytest.mark.parametrize("name", ["N02", "NO 2", "NO2x", "Nitơ", "C0D", "Do duc", "PM2.55", "Benzol"])
def test_a_name_that_merely_resembles_a_parameter_is_asked_about(name: str) -> None:
    for at in (PLANT, AIR):
        assert reason(at, name, "5.5", "")[0] == "unknown-parameter"


@pytest.mark.parametrize(
    ("at", "name", "value", "unit", "expected"),
    [
        (PLANT, "Nhiệt độ", "27.1", "˚C", ("Temp", 27.1, "°C")),
        (AIR, "Hướng gió", "120", "˚", ("WindDir", 120.0, "°")),
        (PLANT, "FlowOut", "1200", "m3/ngày đêm", ("FlowOut", 50.0, "m3/h")),
        (PLANT, "FlowOut", "1200", "m³/ngày.đêm", ("FlowOut", 50.0, "m3/h")),
        (PLANT, "FlowOut", "50", "m3/hour", ("FlowOut", 50.0, "m3/h")),
        (PLANT, "COD", "20", "g/m3", ("COD", 20.0, "mg/L")),
        (AIR, "CO", "2", "mg·m⁻³", ("CO", 2.0, "mg/m3")),
        (AIR, "CO", "2", "mg/m3N", ("CO", 2.0, "mg/m3")),
        (AIR, "CO", "0.002", "g/m3", ("CO", 2.0, "mg/m3")),
        (AIR, "PM2.5", "0.03", "mg m^-3", ("PM2.5", 30.0, "µg/m3")),
        (None, "FlowOut", "1250", "m3/ngày đêm", ("FlowOut", 1250.0, "m3/d")),
    ],
)
def test_a_unit_is_read_however_it_is_spelled(
    at: Station | None, name: str, value: str, unit: str, expected: tuple[str, float, str]
) -> None:
    assert reading(at, name, value, unit) == expected


@pytest.mark.parametrize(
    ("at", "name", "unit", "sentence"),
    [
        (AIR, "PM2.5", "°C", 'The unit "°C" of PM2.5 does not convert to "µg/m3".'),
        (AIR, "PM2.5", "mg/L", 'The unit "mg/L" of PM2.5 does not convert to "µg/m3".'),
        (PLANT, "COD", "m3/h", 'The unit "m3/h" of COD does not convert to "mg/L".'),
        (None, "PM2.5", "°C", 'The unit "°C" of PM2.5 does not convert to "µg/m3".'),
        (None, "Temp", "mg/L", 'The unit "mg/L" of Temp does not convert to "°C".'),
    ],
)
def test_a_unit_that_a_parameter_cannot_be_in_is_rejected_with_both(
    at: Station | None, name: str, unit: str, sentence: str
) -> None:
    assert reason(at, name, "20", unit) == ("incompatible-unit", sentence)


@pytest.mark.parametrize("unit", ["mg/m33", "W/m2.K", "mg/kg", "mgN/L", "x" * 200])
def test_a_unit_that_is_none_is_not_guessed(unit: str) -> None:
    assert reason(AIR, "CO", "2", unit)[0] == "unknown-unit"


def test_one_line_with_a_unit_that_cannot_be_leaves_the_others() -> None:
    parsed = read(AIR, ("NO2", "1", "ug/m3"), ("PM2.5", "2", "%"), ("CO", "3", "mg/m3"))
    assert list(parsed.readings.parameter) == ["NO2", "CO"]
    assert [(reject.line, reject.reason) for reject in parsed.rejects] == [(2, "incompatible-unit")]
