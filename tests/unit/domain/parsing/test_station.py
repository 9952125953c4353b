"""What a registered station changes: names, units, validity, time zone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.testing.builders import station

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)


def station_with(*parameters: StationParameter, **fields: Any) -> Station:
    """Return a station with these parameters only."""
    return station("HN_ABCD_KHI001", parameters=parameters, **fields)


def read(at: Station, *lines: str) -> ParsedFile:
    return parse_file("".join(f"{line}\r\n" for line in lines).encode(), "a.txt", at, RECEIVED)


def one(at: Station, line: str) -> tuple[str, float, str]:
    parsed = read(at, line)
    assert parsed.rejects == []
    (reading,) = parsed.readings
    return reading.parameter, reading.value, reading.unit


def line(name: str, value: str, unit: str, time: str = "20260325000500") -> str:
    return f"{name}\t{value}\t{unit}\t{time}\t00"


def test_a_name_is_resolved_by_code_then_file_name_then_catalogue() -> None:
    at = station_with(
        StationParameter("PM2.5", "µg/m3"),
        StationParameter("TempIn", "°C", file_names=("Kenh 7",)),
        StationParameter("Radiation", "W/m2"),
    )

    assert one(at, line("pm2.5", "1", "ug/m3"))[0] == "PM2.5"
    assert one(at, line("PM2,5", "1", "ug/m3"))[0] == "PM2.5"
    assert one(at, line("KENH 7", "1", "oC"))[0] == "TempIn"
    assert one(at, line("G-Radian", "-1.60", "w/m2")) == ("Radiation", -1.6, "W/m2")


def test_a_registered_file_name_wins_over_the_catalogue() -> None:
    at = station_with(
        StationParameter("Flow", "m3/h"), StationParameter("FlowOut", "m3/h", file_names=("Lưu lượng",))
    )

    assert one(at, line("Lưu lượng", "10", "m3/h"))[0] == "FlowOut"


def test_an_unregistered_name_is_rejected_and_kept_not_dropped() -> None:
    parsed = read(
        station_with(StationParameter("NO", "µg/m3")), line("NO", "1", "ug/m3"), line("Benzen", "1", "ppb")
    )

    assert [reading.parameter for reading in parsed.readings] == ["NO"]
    assert [(r.line, r.reason, r.detail) for r in parsed.rejects] == [
        (2, "unknown-parameter", 'Station HN_ABCD_KHI001 has no parameter "Benzen" registered at this time.')
    ]


def test_the_registry_entry_valid_at_the_time_of_the_line_is_used() -> None:
    change = datetime(2026, 1, 1, tzinfo=UTC)
    at = station_with(
        StationParameter("CO", "mg/m3", valid_to=change),
        StationParameter("CO", "µg/m3", valid_from=change),
        StationParameter("O3", "µg/m3", valid_from=change),
    )

    assert one(at, line("CO", "2500", "ug/m3", "20260101065959")) == ("CO", 2.5, "mg/m3")
    assert one(at, line("CO", "2500", "ug/m3", "20260101070000")) == ("CO", 2500.0, "µg/m3")
    assert read(at, line("O3", "1", "ug/m3", "20251231000000")).rejects[0].reason == "unknown-parameter"


@pytest.mark.parametrize(
    ("registered", "sent", "value", "expected"),
    [
        ("µg/m3", "mg/m3", "3.1", 3100.0),
        ("mg/m3", "ug/m3", "3087.03", 3.08703),
        ("µg/Nm3", "ug/m3", "45.14", 45.14),
        ("µg/m3", "ug/m3", "0.1", 0.1),
        ("µg/m3", "ppb", "10", 11.4488216011),
    ],
)
def test_a_value_is_converted_to_the_registered_unit(
    registered: str, sent: str, value: str, expected: float
) -> None:
    parsed = read(station_with(StationParameter("CO", registered)), line("CO", value, sent))

    (reading,) = parsed.readings
    assert (reading.value, reading.unit, reading.text) == (expected, registered, value)


def test_an_empty_unit_means_the_registered_one_or_the_one_the_files_are_known_to_mean() -> None:
    at = station_with(StationParameter("Pressure", "hPa", file_unit="kPa"), StationParameter("Temp", "°C"))

    assert one(at, line("Áp suất", "100.5425", "")) == ("Pressure", 1005.425, "hPa")
    assert one(at, line("Áp suất", "100.5425", "---")) == ("Pressure", 1005.425, "hPa")
    assert one(at, line("Áp suất", "1005.4", "hPa")) == ("Pressure", 1005.4, "hPa")
    assert one(at, line("Nhiệtđộ", "44.9342", "")) == ("Temp", 44.9342, "°C")


def test_a_unit_that_cannot_be_meant_is_rejected() -> None:
    at = station_with(StationParameter("Temp", "°C"))

    assert read(at, line("Temp", "20", "mg/L")).rejects[0].reason == "incompatible-unit"
    assert read(at, line("Temp", "20", "furlong")).rejects[0].reason == "unknown-unit"


def test_a_cubic_metre_in_a_stack_is_not_a_normal_cubic_metre() -> None:
    at = station_with(StationParameter("SO2", "mg/Nm3"), type=StationType.STACK)

    assert one(at, line("SO2", "10", "ppm")) == ("SO2", 26.1863693216, "mg/Nm3")
    assert read(at, line("SO2", "20", "mg/m3")).rejects[0].reason == "incompatible-unit"


def test_a_value_that_overflows_in_conversion_is_rejected() -> None:
    parsed = read(station_with(StationParameter("CO", "µg/m3")), line("CO", "1e308", "mg/m3"))

    assert [reject.reason for reject in parsed.rejects] == ["value-not-a-number"]


def test_times_are_read_in_the_zone_of_the_station() -> None:
    at = station_with(StationParameter("NO", "µg/m3"), timezone="Asia/Tokyo")

    assert read(at, line("NO", "1", "ug/m3")).readings[0].measured_at == datetime(
        2026, 3, 24, 15, 5, tzinfo=UTC
    )


def test_a_changed_record_of_a_station_is_used_at_once() -> None:
    before = station_with(StationParameter("NO", "µg/m3"))
    after = station_with(StationParameter("NO", "mg/m3"))

    assert one(before, line("NO", "1", "ug/m3")) == ("NO", 1.0, "µg/m3")
    assert one(after, line("NO", "1", "ug/m3")) == ("NO", 0.001, "mg/m3")


def test_a_wrong_station_record_is_named() -> None:
    with pytest.raises(ValueError, match="Station HN_ABCD_KHI001: the time zone 'Asia/Hanoi' is unknown"):
        read(station_with(timezone="Asia/Hanoi"), "x")
    with pytest.raises(
        ValueError, match="Station HN_ABCD_KHI001, parameter NO: the unit 'furlong' is unknown"
    ):
        read(station_with(StationParameter("NO", "furlong")), "x")


WRONG_CO = StationParameter(
    "CO",
    "µg/m3",
    unit_override=(("mg/Nm3", "µg/m3"),),
    valid_to=datetime(2026, 3, 25, tzinfo=UTC),
)
MENDED_CO = StationParameter("CO", "µg/m3", valid_from=datetime(2026, 3, 25, tzinfo=UTC))


def test_a_unit_known_to_be_wrong_is_corrected_while_the_rule_is_in_force() -> None:
    at = station_with(WRONG_CO, MENDED_CO)
    assert one(at, line("CO", "3087.03", "mg/Nm3", "20260325065959")) == ("CO", 3087.03, "µg/m3")
    assert one(at, line("CO", "3.08703", "mg/Nm3", "20260325070000")) == ("CO", 3087.03, "µg/m3")
    assert one(at, line("CO", "1", "mg/m3", "20260325065959")) == ("CO", 1000.0, "µg/m3")


def test_a_declared_decimal_sign_answers_what_a_file_leaves_open() -> None:
    flow = StationParameter("FLOW", "m3/h")
    points, commas = (station_with(flow, decimal_sign=sign) for sign in (".", ","))
    assert one(points, line("FLOW", "1,250", "m3/h")) == ("FLOW", 1250.0, "m3/h")
    assert one(commas, line("FLOW", "1,250", "m3/h")) == ("FLOW", 1.25, "m3/h")
    assert one(commas, line("FLOW", "1.250", "m3/h")) == ("FLOW", 1250.0, "m3/h")
    undeclared = read(station_with(flow), line("FLOW", "1,250", "m3/h"))
    assert [reject.reason for reject in undeclared.rejects] == ["ambiguous-number"]


def test_an_older_vietnamese_code_page_is_read_where_it_is_declared() -> None:
    content = "Nhiê\u0323t đô\u0323\t31.2\toC\t20260325000500\t00\r\n".encode("cp1258")
    temperature = StationParameter("Temp", "°C", file_names=("Nhiệt độ",))
    declared = station_with(temperature, encoding="cp1258")
    assert [r.value for r in parse_file(content, "a.txt", declared, RECEIVED).readings] == [31.2]
    undeclared = parse_file(content, "a.txt", station_with(temperature), RECEIVED)
    assert [r.reason for r in undeclared.rejects] == ["not-utf8"]


def test_a_declared_code_page_does_not_hide_that_a_file_is_utf8() -> None:
    at = station_with(StationParameter("Temp", "°C", file_names=("Nhiệt độ",)), encoding="cp1258")
    assert one(at, line("Nhiệt độ", "31.2", "oC")) == ("Temp", 31.2, "°C")


def test_a_byte_outside_the_declared_code_page_breaks_its_own_line_only() -> None:
    at = station_with(StationParameter("pH", ""), encoding="cp1258")
    parsed = parse_file(
        b"pH\t7\t\t20260325000500\t00\r\n\x8a\t7\t\t20260325000500\t00\r\n", "a", at, RECEIVED
    )
    assert (len(parsed.readings), [r.reason for r in parsed.rejects]) == (1, ["not-utf8"])


def test_the_number_of_a_value_below_a_limit_is_converted_as_any_other() -> None:
    parsed = read(station_with(StationParameter("CO", "µg/m3")), line("CO", "<0.2", "mg/m3"))
    (reading,) = parsed.readings
    assert (reading.value, reading.qualifier, reading.text) == (200.0, "<", "<0.2")
