"""What single lines of station files become, without a registered station."""

import unicodedata
from datetime import UTC, datetime

import pytest

from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.readings import Reading

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)
FIVE_PAST = datetime(2026, 3, 24, 17, 5, tzinfo=UTC)
GOOD = "NO\t0.50\tug/m3\t20260325000500\t00"


def read(*lines: str) -> ParsedFile:
    return parse_file("".join(f"{line}\r\n" for line in lines).encode(), "a.txt", None, RECEIVED)


def only(line: str) -> Reading:
    parsed = read(line)
    assert parsed.rejects == []
    assert len(parsed.readings) == 1
    return parsed.readings[0]


def reason(line: str) -> str:
    """The reason a faulty line is rejected for, standing after a good one that must survive."""
    parsed = read(GOOD, line)
    assert [reading.parameter for reading in parsed.readings] == ["NO"]
    assert [reject.line for reject in parsed.rejects] == [2]
    assert parsed.rejects[0].text == line
    return parsed.rejects[0].reason


def test_the_five_columns_are_read() -> None:
    assert only("PM2.5\t27.81\tug/m3\t20260325000500\t01") == Reading(
        1, "PM2.5", 27.81, "27.81", "µg/m3", FIVE_PAST, "01"
    )


def test_an_empty_unit_column_does_not_shift_the_columns() -> None:
    assert only("pH\t8.81\t\t20260325000500\t01") == Reading(1, "pH", 8.81, "8.81", "", FIVE_PAST, "01")


@pytest.mark.parametrize("name", ["Vinyl chloride", "m,p-Xylene", "PM2.5", "NO3-N"])
def test_a_name_may_hold_blanks_commas_dots_and_hyphens(name: str) -> None:
    assert only(f"{name}\t1.00\t\t20260325000500\t00").parameter == name


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_vietnamese_name_is_known_however_its_accents_are_encoded(form: str) -> None:
    name = unicodedata.normalize(form, "Nhiệt độ")

    assert only(f"{name}\t44.9\toC\t20260325000500\t00").parameter == "Temp"


def test_an_unknown_name_stays_as_sent() -> None:
    assert only("Kênh 7\t1\t\t20260325000500\t00").parameter == "Kênh 7"


def test_a_missing_status_means_measuring() -> None:
    assert only("NO\t0.50\tug/m3\t20260325000500").status == "00"
    assert only("NO\t0.50\tug/m3\t20260325000500\t").status == "00"


@pytest.mark.parametrize("status", ["00", "01", "02", "03", "3", "7", "10", "1x", "ERR"])
def test_a_status_stays_as_sent_known_or_not(status: str) -> None:
    assert only(f"NO\t0.50\tug/m3\t20260325000500\t{status}").status == status


@pytest.mark.parametrize(
    ("written", "status"),
    [("0", "00"), ("1", "01"), ("2", "02"), (" 1 ", "01"), ("000", "00"), ("002", "02")],
)
def test_a_status_written_as_a_number_gets_its_zero_back(written: str, status: str) -> None:
    assert only(f"NO\t0.50\tug/m3\t20260325000500\t{written}").status == status


def test_status_and_time_belong_to_their_own_line() -> None:
    parsed = read(
        "CO\t3087.03\tug/m3\t20260325000500\t02",
        "O3\t45.14\tug/m3\t20260325001000\t01",
        "NO\t0.50\tug/m3\t20260325000500\t00",
    )

    assert [(r.parameter, r.status, r.measured_at.minute) for r in parsed.readings] == [
        ("CO", "02", 5),
        ("O3", "01", 10),
        ("NO", "00", 5),
    ]


@pytest.mark.parametrize(
    ("line", "format_name"),
    [
        ("NO\t0.50\tug/m3\t20260325000500\t01", "name-value-unit-time"),
        ("NO\t0.50\tug/m3\t20260325000500", "name-value-unit-time"),
        ("20260325000500\tNO\t0.50\tug/m3", "time-name-value-unit"),
        ("20260325000500\tNO\t0.50\tug/m3\t01", "time-name-value-unit"),
        ("20260325000500\tNO\t0.50", "time-name-value"),
        ("NO\t0.50\t20260325000500", "name-value-time"),
        ("NO\t0.50\t20260325000500\t01", "name-value-time"),
        ("NO 0.50 ug/m3 20260325000500 01", "name-value-unit-time, blanks"),
        ("20260325000500 NO 0.50", "time-name-value, blanks"),
    ],
)
def test_each_column_order_is_told_by_where_the_time_stands(line: str, format_name: str) -> None:
    parsed = read(line)

    assert parsed.format == format_name
    assert parsed.rejects == []
    reading = parsed.readings[0]
    assert (reading.parameter, reading.value, reading.measured_at) == ("NO", 0.5, FIVE_PAST)
    assert reading.unit == ("µg/m3" if "ug/m3" in line else "")
    assert reading.status == ("01" if line.endswith("01") else "00")


def test_column_orders_may_differ_from_line_to_line() -> None:
    parsed = read(GOOD, "20260325000500\tCO\t2.00\tmg/m3", "pH\t7.1\t20260325000500\t01")

    assert [(r.parameter, r.value, r.unit, r.status) for r in parsed.readings] == [
        ("NO", 0.5, "µg/m3", "00"),
        ("CO", 2.0, "mg/m3", "00"),
        ("pH", 7.1, "", "01"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-1.60", -1.6),
        ("+3.5", 3.5),
        ("61617.0875", 61617.0875),
        ("34.29300000000001", 34.29300000000001),
        ("1.5E-3", 0.0015),
        (".5", 0.5),
        (" 7.1 ", 7.1),
        ("7,85", 7.85),
        ("-0,5", -0.5),
    ],
)
def test_a_number_is_read_and_its_text_stays_as_sent(text: str, value: float) -> None:
    reading = only(f"NO\t{text}\tug/m3\t20260325000500\t00")

    assert (reading.value, reading.text) == (value, text)


@pytest.mark.parametrize(
    "text",
    [
        "12,4x",
        "",
        "---",
        "NaN",
        "inf",
        "-Infinity",
        "1e999",
        "1_000",
        "1.234,5",
        "1,234,5",
        "0x10",
        "٣",
        "1 2",
    ],
)
def test_what_is_not_a_number_is_rejected_and_never_zero(text: str) -> None:
    assert reason(f"SO2\t{text}\tug/m3\t20260325000500\t00") == "value-not-a-number"


@pytest.mark.parametrize("text", ["1,013", "2,450", "-12,500", "+999,999", " 1,013 "])
@pytest.mark.parametrize("beside", ["45.3", "-0.5", ".5", "1,234.5", "3.1250", "12"])
def test_a_comma_before_three_digits_is_ambiguous_in_a_file_that_shows_no_decimal_commas(
    text: str, beside: str
) -> None:
    parsed = read(
        f"CO\t{text}\tug/m3\t20260325000500\t00", f"PM10\t{beside}\tug/m3\t20260325000500\t00", GOOD
    )

    assert parsed.rejects[0].reason == "ambiguous-number"
    assert parsed.rejects[0].line == 1
    assert "CO" not in list(parsed.readings.parameter)


@pytest.mark.parametrize(
    ("text", "value"), [("1,013", 1.013), ("-999,999", -999.999), ("0,013", 0.013), ("1013,250", 1013.25)]
)
@pytest.mark.parametrize("beside", ["7,85", "0,125", "12345,678", "1.234,5", "-1,5E-05"])
def test_in_a_file_of_decimal_commas_three_digits_are_decimals(text: str, value: float, beside: str) -> None:
    parsed = read(f"CO\t{text}\tmg/m3\t20260325000500\t00", f"PM10\t{beside}\tug/m3\t20260325000500\t00")

    assert parsed.readings.value[0] == value


def test_in_a_file_of_decimal_commas_a_point_before_three_digits_is_ambiguous() -> None:
    commas = "COD\t35,2\tmg/L\t20260325000500\t00"

    parsed = read("FlowOut\t1.250\tm3/h\t20260325000500\t00", commas)

    assert [(reject.line, reject.reason) for reject in parsed.rejects] == [(1, "ambiguous-number")]
    assert only("FlowOut\t1.250\tm3/h\t20260325000500\t00").value == 1.25


def test_a_comma_that_cannot_divide_thousands_is_read_beside_points() -> None:
    parsed = read("CO\t0,013\tmg/m3\t20260325000500\t00", "PM10\t45.3\tug/m3\t20260325000500\t00")

    assert parsed.readings.value == [0.013, 45.3]


def test_a_comma_in_a_name_says_nothing_about_numbers() -> None:
    parsed = read("PM2,5\t1.250\tug/m3\t20260325000500\t00", "PM10\t45.3\tug/m3\t20260325000500\t00")

    assert parsed.readings.value == [1.25, 45.3]


def test_a_decimal_comma_is_believed_only_where_tabs_divide_the_line() -> None:
    assert reason("pH 7,85 20260325000500 00") == "value-not-a-number"


@pytest.mark.parametrize(
    "time",
    [
        "20261301000000",
        "20260230000000",
        "20260324240500",
        "20260324240001",
        "202603242401",
        "20260324250000",
        "20260231240000",
        "99991231240000",
        "2026032500050",
        "202603250005000",
        "20260325",
        "2026-03-25 00:05",
        "",
        "²0260325000500",
    ],
)
def test_a_wrong_time_is_rejected(time: str) -> None:
    assert reason(f"SO2\t1.0\tug/m3\t{time}\t00") == "bad-time"


@pytest.mark.parametrize("time", ["20260324240000", "202603242400"])
def test_midnight_may_be_written_as_the_end_of_the_day(time: str) -> None:
    assert only(f"NO\t1.0\tug/m3\t{time}\t00").measured_at == datetime(2026, 3, 24, 17, tzinfo=UTC)


def test_a_line_without_any_time_is_rejected() -> None:
    assert reason("SO2\t1.0\tug/m3\t00") == "bad-time"


def test_a_time_that_no_station_can_mean_is_rejected() -> None:
    assert reason("SO2\t1.0\tug/m3\t19700101000000\t00") == "time-out-of-range"
    assert reason("SO2\t1.0\tug/m3\t20280101000000\t00") == "time-out-of-range"


def test_a_clock_ahead_by_days_is_left_to_the_quality_tests() -> None:
    assert only("NO\t1.0\tug/m3\t20260331000000\t00").measured_at == datetime(2026, 3, 30, 17, tzinfo=UTC)


def test_seconds_are_kept_and_may_be_missing() -> None:
    assert only("NO\t1.0\tug/m3\t20260325000031\t00").measured_at.second == 31
    assert only("NO\t1.0\tug/m3\t202603250005\t00").measured_at == FIVE_PAST


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SO2\t1.0", "too-few-columns"),
        ("SO2\t1.0\tug/m3", "too-few-columns"),
        ("SO2", "too-few-columns"),
        ("SO2\t1.0\tug/m3\t20260325000500\t00\tmore", "too-many-columns"),
        ("\t1.0\tug/m3\t20260325000500\t00", "missing-name"),
        ("SO2\t1.0\tfurlong\t20260325000500\t00", "unknown-unit"),
        ("Vinyl chloride 0.00 ppb 20260325000500 00", "ambiguous-columns"),
        ("SO2;1.0;ug/m3;20260325000500;00", "too-few-columns"),
    ],
)
def test_a_broken_line_is_rejected_with_its_reason_and_the_good_line_stays(line: str, expected: str) -> None:
    assert reason(line) == expected


def test_the_detail_of_a_reject_quotes_what_was_wrong() -> None:
    parsed = read(GOOD, "SO2\t12,4x\tug/m3\t20260325000500\t00")

    assert parsed.rejects[0].detail == 'The value column holds "12,4x", which is not a number.'


def test_a_trailing_tab_is_no_column() -> None:
    assert only("NO\t0.50\tug/m3\t20260325000500\t01\t").status == "01"


@pytest.mark.parametrize("title", ["AG01_Tram nuoc thai\t", "AG01_TRAM", "AG01\tTram nuoc thai\t", "Tram 5"])
def test_a_title_line_before_the_data_is_neither_reading_nor_reject(title: str) -> None:
    parsed = read(title, GOOD)

    assert [reading.line for reading in parsed.readings] == [2]
    assert parsed.rejects == []


def test_a_cut_reading_on_the_first_line_is_not_taken_for_a_title() -> None:
    parsed = read("SO2\t12.5", GOOD)

    assert [(reject.line, reject.reason) for reject in parsed.rejects] == [(1, "too-few-columns")]


def test_a_title_line_without_data_is_rejected_after_all() -> None:
    parsed = read("AG01_Tram nuoc thai\t")

    assert [(reject.line, reject.reason) for reject in parsed.rejects] == [(1, "too-few-columns")]


@pytest.mark.parametrize(
    "titles",
    [
        "Parameter\tValue\tUnit\tTime\tStatus",
        "Thông số\tGiá trị\tĐơn vị\tThời gian\tTrạng thái",
        "Ten thong so\tGia tri do\tDon vi tinh\tThoi gian (UTC+7)\tTrang thai",
        "TIME\tTAG\tVALUE",
        "Parameter Value Unit DateTime Status",
        "No.\tParameter name\tValue\tUnit\tTimestamp\tStatus",
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_row_of_titles_costs_no_reject_wherever_it_stands(titles: str, is_first: bool) -> None:
    other = "CO\t1.0\tmg/m3\t20260325000500\t00"

    parsed = read(*([titles, GOOD, other] if is_first else [GOOD, titles, other]))

    assert list(parsed.readings.parameter) == ["NO", "CO"]
    assert parsed.rejects == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Data value\t---\tmg/L\tno time\t00", "bad-time"),
        ("Time value\t12.5\ts\tsoon\tstatus", "bad-time"),
        ("Value\t12.5\tmg/L\t20260325000500x\t00", "bad-time"),
        ("CO\t---\tmg/L\t\t", "bad-time"),
        ("Status\t\t\t", "bad-time"),
    ],
)
def test_a_broken_reading_is_not_taken_for_titles(line: str, expected: str) -> None:
    assert reason(line) == expected


@pytest.mark.parametrize("comment", ["# logger 7, firmware 2.1", "  // begin", "#", "# PM2.5 27.8 ug/m3"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_comment_costs_no_reject_wherever_it_stands(comment: str, place: int) -> None:
    lines = [GOOD, "CO\t1.0\tmg/m3\t20260325000500\t00"]
    lines.insert(place, comment)
    parsed = read(*lines)
    assert list(parsed.readings.parameter) == ["NO", "CO"]
    assert parsed.rejects == []


def test_a_comment_before_the_title_or_at_the_end_without_line_end_costs_none_either() -> None:
    content = f"# logger 7\r\nAG01_Tram nuoc thai\t\r\n{GOOD}\r\n# the end"
    parsed = parse_file(content.encode(), "a.txt", None, RECEIVED)
    assert (len(parsed.readings), parsed.rejects) == (1, [])


@pytest.mark.parametrize("line", ["#NO\t12.5\tug/m3\t2026032500\t00", "#1 NO\t12.5", "/ NO"])
def test_a_broken_reading_is_not_taken_for_a_comment(line: str) -> None:
    parsed = read(GOOD, line)
    assert [reject.line for reject in parsed.rejects] == [2]


def test_json_is_not_taken_for_titles() -> None:
    assert reason('{"parameter": "PM2.5", "value": 27.81}') == "ambiguous-columns"


@pytest.mark.parametrize(
    "mark", ["EOF", "eof", "END", "[EOF]", "*** END OF FILE ***", "#END\t", "<EOF>", "End of data.", "Hết"]
)
def test_an_end_mark_costs_no_reject(mark: str) -> None:
    assert read(GOOD, mark).rejects == []
    parsed = parse_file(f"{GOOD}\r\n{mark}".encode(), "a.txt", None, RECEIVED)
    assert (len(parsed.readings), parsed.rejects) == (1, [])


@pytest.mark.parametrize("line", ["Endrin", "END 5", "THE END", "SO2\tEOF", "END\t12.5"])
def test_what_only_resembles_an_end_mark_is_rejected(line: str) -> None:
    assert reason(line) == "too-few-columns"


def test_blank_lines_count_but_are_not_rejected() -> None:
    parsed = read("", GOOD, "  ", "CO\t1.0\tmg/m3\t20260325000500\t00", "")

    assert [reading.line for reading in parsed.readings] == [2, 4]
    assert parsed.rejects == []


def test_a_repeated_line_is_a_duplicate_line() -> None:
    assert reason(GOOD) == "duplicate-line"


@pytest.mark.parametrize("line", [GOOD.replace("0.50", "0.60"), GOOD.replace("\t00", "\t02")])
def test_a_second_and_different_reading_of_a_parameter_is_rejected_and_the_first_stays(line: str) -> None:
    assert reason(line) == "duplicate-parameter"


def test_two_spellings_of_one_parameter_are_duplicates() -> None:
    parsed = read(
        "PM2.5\t27.81\tug/m3\t20260325000500\t00",
        "PM-2-5\t30.00\tug/m3\t20260325000500\t00",
    )

    assert [(r.parameter, r.value) for r in parsed.readings] == [("PM2.5", 27.81)]
    assert [reject.reason for reject in parsed.rejects] == ["duplicate-parameter"]


def test_one_parameter_at_two_times_is_no_duplicate() -> None:
    parsed = read(GOOD, GOOD.replace("000500", "001000"))

    assert [reading.measured_at.minute for reading in parsed.readings] == [5, 10]
    assert parsed.rejects == []


@pytest.mark.parametrize(
    ("text", "value", "qualifier"), [("<0.2", 0.2, "<"), (">11000", 11000.0, ">"), ("KPH (<0.03)", 0.03, "<")]
)
def test_a_value_beyond_a_limit_of_the_method_is_read_with_its_qualifier(
    text: str, value: float, qualifier: str
) -> None:
    reading = only(f"COD\t{text}\tmg/L\t20260325000500\t00")
    assert (reading.value, reading.qualifier, reading.text) == (value, qualifier, text)


@pytest.mark.parametrize("text", ["KPH", "ND", "not detected", "<LOD"])
def test_not_detected_without_the_limit_is_a_reject_of_its_own_reason(text: str) -> None:
    assert reason(f"COD\t{text}\tmg/L\t20260325000500\t00") == "not-detected"


@pytest.mark.parametrize("text", ["<", "<<0.2", "0.2<", "<0.2x"])
def test_what_only_looks_like_a_limit_is_no_number(text: str) -> None:
    assert reason(f"COD\t{text}\tmg/L\t20260325000500\t00") == "value-not-a-number"


def test_a_limit_and_a_value_of_the_same_number_are_two_statements() -> None:
    parsed = read("COD\t2\tmg/L\t20260325000500\t00", "COD\t<2\tmg/L\t20260325000500\t00")
    assert [reject.reason for reject in parsed.rejects] == ["duplicate-parameter"]
