"""Tables of measurements: what their columns hold, their parts, and what reading these gives."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.registry.stations import StationParameter
from quantrac.domain.tables.columns import ColumnMapping, compass_words, find_columns
from quantrac.domain.tables.layout import Meaning, TableLayout
from quantrac.domain.tables.part import find_row, read_part, write_part
from quantrac.domain.tables.reader import read_table
from quantrac.errors import UserError
from quantrac.testing.builders import station

NOW = datetime(2026, 11, 29, tzinfo=UTC)
STATION = station(
    parameters=[
        StationParameter("PM2.5", "µg/m3"),
        StationParameter("CO", "µg/m3"),
        StationParameter("WindDir", "°"),
    ]
)
WIDE = TableLayout(time=(0,), wide=((1, Meaning("PM2.5")), (2, Meaning("CO", "mg/m3"))))


def part(layout, header, *rows, lines=None):
    lines = lines or range(2, 2 + len(rows))
    encoded = [row.encode() for row in rows]
    return write_part(layout.to_json().encode(), header.encode(), encoded, lines)


def read(layout, header, *rows, lines=None, entry=STATION):
    return read_table(part(layout, header, *rows, lines=lines), "x.csv", entry, NOW)


def columns(header, mapping=None):
    return find_columns(
        header, mapping or ColumnMapping(), lambda name: name in {"PM2.5", "PM-2-5", "CO", "NO", "Temp"}
    )


def rows_of(parsed):
    return [(r.line, r.parameter, r.value, r.text, r.unit, r.measured_at) for r in parsed.readings]


def test_a_wide_table_gives_a_reading_a_cell_with_the_line_of_the_table():
    parsed = read(WIDE, "time,PM2.5,CO", "2020-01-01 01:00,27.8,1.5", "2020-01-01 02:00,NA,", lines=[7, 9])
    at = datetime(2019, 12, 31, 18, tzinfo=UTC)
    assert rows_of(parsed) == [
        (7, "PM2.5", 27.8, "27.8", "µg/m3", at),
        (7, "CO", 1500.0, "1.5", "µg/m3", at),
    ]
    assert (parsed.format, parsed.rejects) == ("table", [])


def test_a_long_table_gives_a_reading_a_row():
    layout = TableLayout(time=(0,), name=1, value=2, unit=3, status=4)
    parsed = read(layout, "time,parameter,value,unit,status", "2020-01-01 01:00,CO,1.5,mg/m3,01")
    assert [(r.parameter, r.value, r.status) for r in parsed.readings] == [("CO", 1500.0, "01")]


def test_words_become_numbers_and_the_text_stays():
    layout = TableLayout(time=(0,), wide=((1, Meaning("WindDir", "", compass_words())),))
    parsed = read(layout, "time,wd", "2020-01-01,ENE", "2020-01-02,x", "2020-01-03,90")
    assert [(r.value, r.text) for r in parsed.readings] == [(67.5, "ENE"), (90.0, "90")]
    assert [(r.line, r.reason) for r in parsed.rejects] == [(3, "value-not-a-number")]


def test_a_value_beyond_a_limit_keeps_its_qualifier():
    parsed = read(WIDE, "time,PM2.5,CO", "2020-01-01,<0.2,>1")
    assert [(r.value, r.qualifier) for r in parsed.readings] == [(0.2, "<"), (1000.0, ">")]


def test_a_row_gives_one_reject_that_names_all_of_its_bad_cells():
    parsed = read(WIDE, "time,PM2.5,CO", "2020-01-01,x,y", "no time,1,2", "2030-01-01,1,2", "2020-01-02,1,z")
    assert [(r.line, r.reason) for r in parsed.rejects] == [
        (2, "value-not-a-number"),
        (3, "bad-time"),
        (4, "time-out-of-range"),
        (5, "value-not-a-number"),
    ]
    assert parsed.rejects[0].detail == "PM2.5: 'x' is no number. CO: 'y' is no number."
    assert [r.line for r in parsed.readings] == [5]


def test_a_column_that_the_station_lacks_is_rejected_once_and_only_where_it_has_values():
    layout = TableLayout(time=(0,), wide=((1, Meaning("PM2.5")), (2, Meaning("O3"))))
    parsed = read(layout, "time,PM2.5,O3", "2020-01-01,1,5", "2020-01-02,2,6")
    assert [(r.line, r.reason) for r in parsed.rejects] == [(1, "unknown-parameter")]
    assert 'no parameter "O3"' in parsed.rejects[0].detail
    assert len(parsed.readings) == 2
    assert read(layout, "time,PM2.5,O3", "2020-01-01,1,", "2020-01-02,2,NA").rejects == []


def test_the_first_of_two_rows_of_one_time_stays():
    parsed = read(WIDE, "time,PM2.5", "2020-01-01,1", "2020-01-01,1", "2020-01-01,2")
    assert [r.value for r in parsed.readings] == [1.0]
    assert [(r.line, r.reason) for r in parsed.rejects] == [(3, "duplicate-line"), (4, "duplicate-parameter")]


def test_declared_numbers_stand_for_no_value():
    layout = TableLayout(time=(0,), wide=((1, Meaning("PM2.5")),), missing=("-200",))
    assert len(read(layout, "time,PM2.5", "2020-01-01,-200", "2020-01-02,-2").readings) == 1


def test_a_decimal_comma_is_read_as_the_whole_table_shows_it():
    layout = TableLayout(time=(0,), wide=((1, Meaning("PM2.5")),), shown_sign=",")
    assert [r.value for r in read(layout, "time;PM2.5", "2020-01-01;1,013").readings] == [1.013]


def test_parts_of_a_time_stand_in_columns_of_their_own_and_a_zone_wins_over_the_station():
    layout = TableLayout(time=(0, 1, 2, 3), zone="Asia/Shanghai", wide=((4, Meaning("PM2.5")),))
    parsed = read(layout, "year,month,day,hour,PM2.5", "2013,3,1,0,4", "2013,x,1,0,4")
    assert [r.measured_at for r in parsed.readings] == [datetime(2013, 2, 28, 16, tzinfo=UTC)]
    assert [r.reason for r in parsed.rejects] == ["bad-time"]


def test_a_part_says_which_lines_of_the_table_its_rows_were():
    content = part(WIDE, "time,PM2.5", "a", "b", "c", lines=[5, 6, 9])
    assert [find_row(content, line) for line in (1, 5, 6, 7, 9)] == ["time,PM2.5", "a", "b", None, "c"]
    found = read_part(content)
    assert found is not None
    assert found.layout == WIDE


def test_a_layout_is_the_same_after_writing_and_reading():
    meaning = Meaning("WindDir", "°", compass_words())
    layout = TableLayout(
        (0,), "Asia/Shanghai", ((3, meaning),), 1, 2, 4, (("wd", meaning),), 5, ("x",), ",", ","
    )
    assert TableLayout.from_json(layout.to_json()) == layout


@given(st.binary(max_size=80))
def test_no_bytes_raise(rubbish):
    whole = part(WIDE, "time,PM2.5", "2020-01-01,1")
    for content in (rubbish, b"#quantrac-table " + rubbish, whole[:60] + rubbish, whole + rubbish):
        read_table(content, "x.csv", STATION, NOW)


def test_columns_are_found_by_their_names():
    found = columns(["STT", "Datetime", "PM-2-5(µg/Nm3}", "CO (mg/m3)", "Note", "Trạm"])
    assert found.layout.time == (1,)
    assert found.layout.wide == ((2, Meaning("PM-2-5", "µg/Nm3")), (3, Meaning("CO", "mg/m3")))
    assert (found.station, found.left_out) == (5, ("Note",))


def test_a_count_of_rows_is_no_nitric_oxide():
    found = columns(["No", "time", "NO"])
    assert found.layout.wide == ((2, Meaning("NO")),)


def test_a_mapping_names_columns_times_and_words():
    mapping = ColumnMapping(
        time=("when",), columns={"wd": Meaning("WindDir", "", compass_words())}, ignore=frozenset({"CO"})
    )
    found = columns(["when", "wd", "CO"], mapping)
    assert found.layout.time == (0,)
    assert found.layout.wide == ((1, Meaning("WindDir", "", compass_words())),)


def test_a_long_table_is_known_by_columns_of_names_and_values():
    found = columns(["Thời gian", "Thông số", "Giá trị (mg/m3)", "Trạng thái"])
    assert (found.layout.name, found.layout.value, found.layout.status) == (1, 2, 3)


@pytest.mark.parametrize(
    ("header", "mapping", "why"),
    [
        (["PM2.5"], ColumnMapping(), "no column of times"),
        (["time", "Note"], ColumnMapping(), "no column of a parameter"),
        (["time", "CO", "CO"], ColumnMapping(), "'CO' stands there twice"),
        (
            ["time", "Wind"],
            ColumnMapping(columns={"Wnd": Meaning("CO")}),
            "no column 'Wnd'; did you mean 'Wind'",
        ),
        (["time", "CO"], ColumnMapping(time=("Time2",)), "no column 'Time2'"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused_with_a_sentence(header, mapping, why):
    with pytest.raises(UserError, match=why):
        columns(header, mapping)
