"""The simulated files: their bytes, their courses, their faults."""

from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.parsing import parse_file
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.local.demo import demo_stations
from quantrac.local.simulator import day_folder, parse_address, station_file
from quantrac.local.simulator.courses import find_course
from quantrac.local.simulator.faults import is_silent
from quantrac.local.simulator.files import moment_of

MIDNIGHT = datetime(2026, 3, 25, tzinfo=UTC)
"""00:00 UTC: 07:00 at the stations."""
DEMO = {record.code: record.to_domain() for record in demo_stations()}


def demo_lines(code: str, minutes: float, parameter: str, count: int = 1) -> list[list[str]]:
    """Columns of a parameter in ``count`` files of a demo station, from ``minutes`` after midnight UTC."""
    found = []
    for number in range(count):
        at = MIDNIGHT + timedelta(minutes=minutes + 5 * number)
        lines = station_file(DEMO[code], at, seed=1)[1].decode().split("\r\n")
        found += [columns for columns in (line.split("\t") for line in lines) if columns[0] == parameter]
    return found


def test_a_file_is_byte_for_byte_what_a_real_logger_writes() -> None:
    name, content = station_file(DEMO["HN_DEMO_KHIOK1"], MIDNIGHT, seed=1)
    assert name == "HN_DEMO_KHIOK1_20260325070000.txt"
    assert content.decode() == (
        "Flow\t43493.11\tm3/h\t20260325070000\t00\r\n"
        "Nhiệt độ\t140.20\t\t20260325070000\t00\r\n"
        "Áp suất\t101.18\t\t20260325070000\t00\r\n"
        "O2\t9.26\t%\t20260325070000\t00\r\n"
        "PM\t23.24\tmg/Nm3\t20260325070000\t00\r\n"
        "SO2\t55.94\tmg/Nm3\t20260325070000\t00\r\n"
        "NO\t47.14\tmg/Nm3\t20260325070000\t00\r\n"
        "NO2\t7.03\tmg/Nm3\t20260325070000\t00\r\n"
        "NOx\t79.30\tmg/Nm3\t20260325070000\t00\r\n"
        "CO\t278.49\tmg/Nm3\t20260325070000\t00\r\n"
    )


def test_the_same_file_can_be_made_again() -> None:
    for station in DEMO.values():
        assert station_file(station, MIDNIGHT, seed=1) == station_file(station, MIDNIGHT, seed=1)


def test_another_seed_station_or_time_gives_other_values() -> None:
    here, there = DEMO["HN_DEMO_KHI001"], DEMO["HN_DEMO_KHI002"]
    contents = {
        station_file(here, MIDNIGHT, seed=1)[1],
        station_file(here, MIDNIGHT, seed=2)[1],
        station_file(there, MIDNIGHT, seed=1)[1],
        station_file(here, MIDNIGHT + timedelta(seconds=1), seed=1)[1],
    }
    assert len(contents) == 4


@pytest.mark.parametrize("code", DEMO)
def test_the_receiver_reads_every_line_of_a_demo_file_as_its_registry_entry(code: str) -> None:
    station = DEMO[code]
    name, content = station_file(station, MIDNIGHT, seed=1)
    parsed = parse_file(content, name, station, MIDNIGHT + timedelta(seconds=30))
    assert parsed.rejects == []
    assert parsed.station_code == code
    assert [(reading.parameter, reading.unit, reading.measured_at) for reading in parsed.readings] == [
        (parameter.code, parameter.unit, MIDNIGHT) for parameter in station.parameters
    ]


@pytest.mark.parametrize("code", DEMO)
def test_courses_stay_in_the_equipment_range_all_year(code: str) -> None:
    station = DEMO[code]
    # 61 h 17 min runs through all hours of the day and all seasons.
    moments = [
        moment_of(station, MIDNIGHT + number * timedelta(hours=61, minutes=17), 1) for number in range(140)
    ]
    outside = [
        (parameter.code, moment.local, value)
        for parameter in station.parameters
        for moment in moments
        for value in [find_course(station.type, parameter)(moment)]
        if not (parameter.range_low or 0) <= value <= (parameter.range_high or 0)
    ]
    assert outside == []


def test_radiation_follows_the_sun_and_is_a_little_negative_at_night() -> None:
    noon, midnight = demo_lines("HN_DEMO_KHI001", 5 * 60, "Radiation") + demo_lines(
        "HN_DEMO_KHI001", 17 * 60, "Radiation"
    )
    assert 200 < float(noon[1]) < 1100
    assert -3 < float(midnight[1]) < 0


def test_fine_dust_is_never_more_than_dust_and_nitrogen_oxides_add_up() -> None:
    station = DEMO["HN_DEMO_KHI001"]
    courses = {each.code: find_course(station.type, each) for each in station.parameters}
    for hour in range(48):
        m = moment_of(station, MIDNIGHT + timedelta(hours=hour), 1)
        assert courses["PM2.5"](m) < courses["PM10"](m)
        assert courses["NOx"](m) == pytest.approx(courses["NO2"](m) + 1.5332 * courses["NO"](m), rel=1e-3)


def test_a_parameter_without_a_course_of_its_own_moves_about_the_middle_of_its_range() -> None:
    parameter = StationParameter(code="Phenol", unit="mg/L", range_low=0, range_high=2)
    station = Station("X", "X", "", StationType.WASTEWATER, "01", 21, 105, 300, parameters=(parameter,))
    values = [
        find_course(station.type, parameter)(moment_of(station, MIDNIGHT + timedelta(hours=hour), 1))
        for hour in range(100)
    ]
    assert 0.4 < min(values) < max(values) < 1.2


def test_an_analyser_that_reports_an_error_repeats_its_last_value_with_status_02() -> None:
    lines = demo_lines("HN_DEMO_KHI001", 4 * 60 + 35, "NOx", count=3)
    assert [line[4] for line in lines] == ["02", "02", "02"]
    assert len({line[1] for line in lines}) == 1


def test_a_stuck_analyser_repeats_its_value_with_status_00() -> None:
    lines = demo_lines("HN_DEMO_KHI001", 25, "PM10", count=6)
    assert {line[4] for line in lines} == {"00"}
    assert len({line[1] for line in lines}) == 1


def test_a_calibration_shows_its_standards_with_status_01() -> None:
    zero, *_, last = demo_lines("HN_DEMO_NUODET", 5, "COLOR", count=3)
    assert [zero[4], last[4]] == ["01", "01"]
    assert float(zero[1]) == pytest.approx(1, abs=0.1)  # 0.2 % of a range of 500


def test_a_spike_is_one_reading_far_from_its_neighbours() -> None:
    before, spike, after = (float(line[1]) for line in demo_lines("HN_DEMO_NUOTH2", 30, "pH", count=3))
    assert spike > before + 8
    assert after == pytest.approx(before, abs=0.2)


def test_now_and_then_a_number_is_none_and_the_receiver_rejects_that_line_alone() -> None:
    station, at = DEMO["HN_DEMO_KHI004"], MIDNIGHT + timedelta(minutes=15)
    name, content = station_file(station, at, seed=1)
    parsed = parse_file(content, name, station, at)
    assert [(reject.line, reject.text) for reject in parsed.rejects] == [
        (6, "O3\t14,3x\tug/m3\t20260325071500\t00")
    ]
    assert len(parsed.readings) == len(station.parameters) - 1


def test_a_line_goes_silent_for_one_hour() -> None:
    station = DEMO["DEMO_KHIXMG"]
    silent = [
        minute
        for minute in range(24 * 60)
        if is_silent(moment_of(station, MIDNIGHT + timedelta(minutes=minute), seed=1))
    ]
    assert silent == list(range(silent[0], silent[0] + 60))


def test_the_folder_is_the_day_in_the_name() -> None:
    assert day_folder("HN_DEMO_KHI001_20260325000500.txt") == "2026/03/25"
    assert day_folder("01_06_2023 00_06.lsi") == ""


@pytest.mark.parametrize("text", ["", ":2121", "host:", "host:ftp", "host:0", "host:65536"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(text)


def test_an_address_may_be_ipv6() -> None:
    assert parse_address("[::1]:2121") == ("::1", 2121)
