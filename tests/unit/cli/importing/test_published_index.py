"""An index of others beside ours."""

from datetime import UTC, datetime, timedelta

import pytest

from quantrac.cli.importing.published_index import (
    compare,
    describe_comparison,
    hours_in_micrograms,
    read_published,
)
from quantrac.cli.importing.tables import open_file
from quantrac.domain.readings import Reading, Readings
from quantrac.domain.times import to_whole_seconds
from quantrac.errors import UserError
from quantrac.testing.builders import station

STATION = station("HN_MOT_KHI")
AT = datetime(2025, 1, 1, 7, tzinfo=UTC)  # 14:00 in Vietnam


def table(folder, text):
    path = folder / "aqi.csv"
    path.write_text(text)
    return open_file(path, "/")


def hours(parameter, value, unit="µg/m3"):
    """Three hours of one value, the last at AT: an index needs particles, and these two of three hours."""
    times = [AT - timedelta(hours=back) for back in range(3)]
    readings = [Reading(2, parameter, value, str(value), unit, at, "00") for at in times]
    return hours_in_micrograms([Readings.of(readings)], STATION)


def test_hours_are_matched_by_their_stamps_and_days_are_the_stations(tmp_path):
    text = "STT,Datetime,VN_AQI ,O3\n1,14:00 01/01/2025,50,4\n2,15:00 01/01/2025,-,\n"
    published = read_published(table(tmp_path, text), STATION)
    assert published == {to_whole_seconds(AT): 50}
    comparison = compare(published, hours("PM2.5", 25.0), STATION)
    assert (comparison.hours, comparison.different_hours, len(comparison.days)) == (1, 0, 1)
    different = compare(published, hours("PM2.5", 50.0), STATION)
    assert (different.different_hours, len(different.different_days)) == (1, 1)
    first, example = describe_comparison("aqi.csv", different)
    assert first == "VN_AQI of aqi.csv: equal to ours in 0 of 1 hours, on all hours of 0 of 1 days"
    assert example.startswith("  2025-01-01T14:00:00+07:00: published 50, ours 100")


def test_an_hour_of_which_ours_knows_nothing_is_different(tmp_path):
    comparison = compare({to_whole_seconds(AT): 50}, {}, STATION)
    assert "published 50, ours none" in list(describe_comparison("x", comparison))[1]


def test_values_in_other_units_are_converted_and_negative_ones_are_none():
    assert float(hours("CO", 2.0, "mg/m3")["CO"][to_whole_seconds(AT)]) == 2000.0
    assert hours("O3", -1.0) == {}
    assert hours("Temp", 20.0, "°C") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Datetime,O3\n14:00 01/01/2025,1\n", "no column VN_AQI"),
        ("Datetime,VN_AQI\n14:00 01/01/2025,x\n", "line 2"),
        ("Datetime,VN_AQI\nnever,5\n", "line 2"),
    ],
)
def test_a_table_that_is_no_index_is_refused(tmp_path, text, why):
    with pytest.raises(UserError, match=why):
        read_published(table(tmp_path, text), STATION)
