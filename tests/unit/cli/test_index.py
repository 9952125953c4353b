"""``quantrac index``: what goes in, what comes out, and what it says about cells that are no numbers."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.index import index
from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION


def run(*arguments: str, file: str = "") -> Result:
    return CliRunner().invoke(index, arguments, input=file)


def table(result: Result) -> list[list[str]]:
    return [line.split(",") for line in result.stdout.splitlines()]


def hours(*values: object, heading: str = "PM10", start: int = 0, day: int = 1) -> str:
    rows = (f"2026-03-{day:02}T{start + hour:02}:00,{value}" for hour, value in enumerate(values))
    return "\n".join([f"time,{heading}", *rows, ""])


# Air, by the hour


def test_columns_and_rows_come_out_as_they_went_in() -> None:
    answer = run(
        "vn-aqi",
        "-",
        file="O3,time,PM-10,CO,Bụi PM2.5\n"
        "136.1,2026-03-25T02:00:00+07:00,50,,20.3\n"
        "100,25/03/2026 01:00,50,10000,20.3\n"
        ",25/03/2026 00:00,50,30000,\n",
    )
    assert answer.exit_code == 0
    assert answer.stderr == ""
    assert answer.stdout == (
        "time,O3,PM-10,CO,Bụi PM2.5,vn_aqi\n"
        "2026-03-25T02:00:00+07:00,43,50,,41,50\n"
        "25/03/2026 01:00,31,50,50,,50\n"
        "25/03/2026 00:00,,,100,,\n"
    )


def test_an_hour_that_the_file_lacks_is_a_gap_of_nowcast() -> None:
    with_gap = run("vn-aqi", "-", file="time,PM10\n2026-03-25T00:00,60\n2026-03-25T02:00,60\n")
    assert table(with_gap)[2] == ["2026-03-25T02:00", "55", "55"]
    too_long = run("vn-aqi", "-", file="time,PM10\n2026-03-25T00:00,60\n2026-03-25T03:00,60\n")
    assert table(too_long)[2] == ["2026-03-25T03:00", "", ""]


def test_rows_may_stand_in_any_order() -> None:
    rows = hours(*range(10, 34)).splitlines()
    sorted_rows = run("vn-aqi", "-", file="\n".join(rows)).stdout.splitlines()
    turned = run("vn-aqi", "-", file="\n".join([rows[0], *rows[:0:-1]])).stdout.splitlines()
    assert turned == [sorted_rows[0], *sorted_rows[:0:-1]]


def test_of_two_rows_of_one_hour_the_last_value_counts_for_both() -> None:
    file = hours(50, 50, 999) + "2026-03-01T02:00,50\n" + "2026-03-01T02:00,\n"
    assert [row[1] for row in table(run("vn-aqi", "-", file=file))[1:]] == ["", "50", "50", "50", "50"]


def test_a_negative_value_is_missing_without_a_warning() -> None:
    answer = run("vn-aqi", "-", file=hours(50, 50, -1) + "2026-03-01T03:00,-1\n")
    assert [row[1] for row in table(answer)[1:]] == ["", "50", "50", ""]
    assert (answer.exit_code, answer.stderr) == (0, "")


@pytest.mark.parametrize("missing", ["", "NA", "nan", "null", "-"])
def test_words_for_no_value_are_no_mistake(missing: str) -> None:
    answer = run("vn-aqi", "-", file=hours(50, missing, 50))
    assert (answer.exit_code, answer.stderr) == (0, "")


@pytest.mark.parametrize("text", ["12x", "inf", "1_000", "1 2", "0x10"])
def test_a_bad_number_is_missing_and_named_by_line_and_column(text: str) -> None:
    answer = run("vn-aqi", "-", file=f"time,SO2,PM10\n2026-03-01T00:00,125,50\n2026-03-01T01:00,{text},50\n")
    assert answer.exit_code == 1
    assert answer.stderr == f"line 3: column 'SO2': '{text}' is no number\n"
    assert table(answer)[2] == ["2026-03-01T01:00", "", "50", "50"]


@pytest.mark.parametrize(
    ("time", "why"),
    [
        ("31/02/2026 00:00", "is no time"),
        ("", "is no time"),
        ("2026-03-01T00:05", "is not on the hour"),
        ("2026-03-01T24:05", "is no time"),
        ("0001-01-01T00:00", "is before any station"),
    ],
)
def test_a_row_without_an_hour_keeps_its_place_and_is_named(time: str, why: str) -> None:
    answer = run("vn-aqi", "-", file=f"time,SO2\n2026-03-01T00:00,125\n{time},125\n")
    assert answer.exit_code == 1
    assert answer.stderr == f"line 3: column 'time': '{time}' {why}\n"
    assert table(answer)[2] == [time, "", ""]


def test_a_row_with_too_many_cells_stays_empty() -> None:
    answer = run("vn-aqi", "-", file="time,SO2,CO\n2026-03-01T00:00,12,5,100\n")
    assert answer.exit_code == 1
    assert answer.stderr == "line 2: 4 cells, the header has 3; the row stays empty\n"
    assert table(answer)[1] == ["2026-03-01T00:00", "", "", ""]


def test_a_column_that_is_not_of_the_index_stays_empty() -> None:
    answer = run("vn-aqi", "-", file="time,SO2,Temp\n2026-03-01T00:00,125,hot\n")
    assert answer.exit_code == 0
    assert answer.stderr == "line 1: column 'Temp' is no parameter of the index and stays empty\n"
    assert table(answer)[1] == ["2026-03-01T00:00", "50", "", ""]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("", "line 1: the header needs one column 'time', not nothing"),
        ("SO2,CO\n1,2\n", "line 1: the header needs one column 'time', not 'SO2', 'CO'"),
        ("time,PM2.5,PM-2-5\n", "line 1: 'PM2.5' and 'PM-2-5' are the same parameter; keep one of them"),
        ("time,pH\n", "line 1: no column is a parameter of the index"),
    ],
)
def test_a_file_of_no_use_is_one_sentence_and_ends_with_2(file: str, why: str) -> None:
    answer = run("vn-aqi", "-", file=file)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"quantrac: {why}")
    assert answer.stderr.count("\n") == 1


def test_a_missing_file_ends_with_2(tmp_path: Path) -> None:
    answer = run("vn-aqi", str(tmp_path / "none.csv"))
    assert answer.exit_code == 2
    assert "No such file" in answer.stderr


def test_a_file_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_bytes('\ufefftime,SO2\r\n2026-03-01T00:00,"12,5"\r\n'.encode())
    assert run("vn-aqi", str(path)).stdout == "time,SO2,vn_aqi\n2026-03-01T00:00,5,\n"


def test_a_comma_before_three_digits_counts_only_where_the_file_has_decimal_commas() -> None:
    points = run("vn-aqi", "-", file='time,SO2,CO\n2026-03-01T00:00,12.5,"1,013"\n')
    assert points.exit_code == 1
    assert points.stderr.startswith("line 2: column 'CO': '1,013' may be a number or a thousand times it")
    assert table(points)[1] == ["2026-03-01T00:00", "5", "", ""]
    commas = run("vn-aqi", "-", file="time;SO2;CO\n2026-03-01T00:00;125,000;10000,5\n")
    assert table(commas)[1] == ["2026-03-01T00:00", "50", "50", ""]


def test_a_bad_byte_and_control_characters_spoil_nothing_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_bytes(b"time,SO2,note\r\n2026-03-01T00:00,12.5\x00,caf\xe9\r\n\x1a")
    answer = run("vn-aqi", str(path))
    assert (answer.exit_code, answer.stdout) == (0, "time,SO2,note,vn_aqi\n2026-03-01T00:00,5,,\n")


# Air, by the day


def test_a_day_ends_with_the_hour_labelled_midnight() -> None:
    file = hours(*range(24), heading="SO2") + "2026-03-02T00:00,125\n2026-03-02T01:00,350\n"
    assert table(run("vn-aqi", "--daily", "-", file=file)) == [
        ["time", "SO2", "vn_aqi"],
        ["2026-02-28", "0", ""],
        ["2026-03-01", "50", ""],
        ["2026-03-02", "100", ""],
    ]


@pytest.mark.parametrize("option", [("--stamps", "start"), ("--stamps", "instant"), ("--label", "start")])
def test_a_time_may_stand_for_the_start_of_its_hour(option: tuple[str, str]) -> None:
    file = hours(*range(24), heading="SO2") + "2026-03-02T00:00,125\n"
    assert table(run("vn-aqi", "--daily", *option, "-", file=file))[1:] == [
        ["2026-03-01", "9", ""],
        ["2026-03-02", "50", ""],
    ]


@pytest.mark.parametrize("midnight", ["2026-03-01 24:00", "2026-03-01T24:00:00", "01/03/2026 24:00"])
def test_the_last_hour_of_a_day_may_be_labelled_24(midnight: str) -> None:
    file = hours(*range(24), heading="SO2") + f"{midnight},125\n"
    assert table(run("vn-aqi", "--daily", "-", file=file))[2] == ["2026-03-01", "50", ""]


@pytest.mark.parametrize("stamps", ["instant", "start", "end"])
def test_the_index_of_an_hour_is_the_same_whatever_its_time_stands_for(stamps: str) -> None:
    file = hours(10, 20, 40, 80, 60)
    assert run("vn-aqi", "--stamps", stamps, "-", file=file).stdout == run("vn-aqi", "-", file=file).stdout


def test_days_are_those_of_vietnam() -> None:
    file = "time,SO2\n2026-03-01T17:00Z,125\n2026-03-01T18:00Z,350\n"
    assert [row[:2] for row in table(run("vn-aqi", "--daily", "-", file=file))[1:]] == [
        ["2026-03-01", "50"],
        ["2026-03-02", "100"],
    ]


def test_a_day_takes_the_mean_of_pm_and_the_evening_before_of_ozone() -> None:
    evening = [f"2026-03-01T{hour}:00,100," for hour in range(18, 24)] + ["2026-03-02T00:00,100,"]
    rows = ["2026-03-02T01:00,100,55.7", *(f"2026-03-02T{hour:02}:00,0,55.7" for hour in range(2, 24))]
    answer = run("vn-aqi", "--daily", "-", file="\n".join(["time,O3,PM2.5", *evening, *rows]))
    assert table(answer)[2] == ["2026-03-02", "50", "110", "110"]


# Water

RIVER = "time,pH,DO,Nhiệt độ,BOD5,COD,N-NH4,P-PO4,Coliform"


def test_a_sample_of_water() -> None:
    answer = run("vn-wqi", "-", file=f"{RIVER}\n2026-03-01,7.2,6.0,25,10,20,0.45,0.15,6000\n")
    assert answer.exit_code == 0
    assert answer.stdout == (
        f"{RIVER},wqi_i,wqi_ii,wqi_iii,wqi_iv,wqi_v,vn_wqi,level,formula,parameters\n"
        "2026-03-01,100,73.39,,63.89,66.67,62.5,87.5,65,100,,,70.79,65,68,moderate,3,"
        "pH;DO;BOD;COD;NH4-N;PO4-P;Coliform\n"
    )
    assert answer.stderr == f"{OUTSIDE_THE_DECISION}.\n"


def wqi(row: list[str]) -> list[str]:
    """Index, level and formula of a row."""
    return row[-4:-1]


def test_what_is_known_of_the_water_body_decides_the_formula() -> None:
    file = f"{RIVER}\n2026-03-01,7.2,6.0,25,10,20,0.45,0.15,6000\n"
    answer = run("vn-wqi", "--pollution", "organic", "-", file=file)
    assert wqi(table(answer)[1]) == ["69", "moderate", "5"]
    answer = run("vn-wqi", "--pollution", "organic", "--pollution", "metals", "-", file=file)
    assert wqi(table(answer)[1]) == ["", "", ""]
    refused = run("vn-wqi", "--pollution", "organics", "-", file=file)
    assert refused.exit_code == 2
    assert "'organics' is not one of 'organic', 'pesticides', 'metals'" in refused.stderr


def test_indices_of_different_parameters_are_not_shown_without_a_word() -> None:
    file = f"{RIVER}\n2026-03-01,7.2,6.0,25,10,20,0.45,0.15,6000\n2026-03-02,7.2,,25,10,20,0.45,0.15,6000\n"
    answer = run("vn-wqi", "-", file=file)
    assert [row[-1].count(";") for row in table(answer)[1:]] == [6, 5]
    assert answer.stderr.splitlines()[1:] == [
        "The indices rest on 2 sets of parameters (column 'parameters'): only those of one set can be "
        "compared."
    ]


def test_the_least_number_of_groups_can_be_set() -> None:
    file = f"{RIVER}\n2026-03-01,7.2,6.0,25,10,20,0.45,0.15,\n"
    assert wqi(table(run("vn-wqi", "-", file=file))[1]) == ["", "", ""]
    assert wqi(table(run("vn-wqi", "--least-groups", "2", "-", file=file))[1]) == ["71", "moderate", "4"]


def test_ammonium_is_taken_for_nitrogen_and_nitrate_is_not() -> None:
    answer = run("vn-wqi", "-", file="time,Amoni,NO3,E.coli\nx,0.45,1,50\n")
    assert table(answer)[1][:4] == ["x", "62.5", "", "75"]
    assert (
        answer.stderr.splitlines()[0] == "line 1: column 'NO3' is no parameter of the index and stays empty"
    )


def test_a_coliform_above_the_method_counts_and_an_uncertain_limit_does_not() -> None:
    file = f"{RIVER}\n2026-03-01,7.2,6.0,25,<2,20,<0.45,0.15,>11000\n"
    answer = run("vn-wqi", "-", file=file)
    row = dict(zip(table(answer)[0], table(answer)[1], strict=True))
    assert (row["BOD5"], row["N-NH4"], row["Coliform"]) == ("100", "", "10")
    assert row["parameters"] == "pH;DO;BOD;COD;PO4-P;Coliform"


def test_not_detected_without_a_limit_stays_empty_and_is_named() -> None:
    answer = run("vn-wqi", "-", file=f"{RIVER}\n2026-03-01,7.2,6.0,25,KPH,20,0.45,0.15,6000\n")
    assert answer.exit_code == 1
    assert "column 'BOD5': 'KPH' does not say below which limit; write it as <0.2" in answer.stderr


def test_an_hourly_mean_of_air_is_no_limit() -> None:
    answer = run("vn-aqi", "-", file=hours("<5", 20))
    assert "'<5' is a limit of the method, and no mean" in answer.stderr


# The command


def test_the_command_loads_neither_numpy_nor_the_stack() -> None:
    heavy = {"numpy", "pydantic", "confluent_kafka", "rich", "quantrac.local"}
    code = f"import sys, quantrac.cli.index; print(*{heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""


def test_it_is_a_command_of_quantrac() -> None:
    from quantrac.cli import main

    assert "vn-aqi" in CliRunner().invoke(main, ["index", "--help"]).stdout
