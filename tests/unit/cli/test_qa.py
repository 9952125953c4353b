"""The command for analysts and logger vendors: the flags of a series in a file."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from quantrac.cli.qa import qa

RIVER = ("--parameter", "Temp", "--medium", "surface-water")
HEADER = "time,value,status"


def run(text: str, *arguments: str) -> Result:
    return CliRunner().invoke(qa, ["-", *(arguments or RIVER)], input=text)


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def calm(count: int = 12) -> list[str]:
    return [f"2026-03-25T{n // 4:02}:{15 * (n % 4):02}:00Z,{20 + 0.1 * (n % 3):.1f},00" for n in range(count)]


def file(*lines: str) -> str:
    return "\n".join([HEADER, *lines, ""])


def test_a_wild_value_fails_and_says_by_what() -> None:
    wild = "2026-03-25T03:00:00Z,2000,00"

    last = rows(run(file(*calm(), wild)))[-1]

    assert (last["time"], last["value"], last["flag"]) == ("2026-03-25T03:00:00Z", "2000", "4")
    assert "physical_range" in last["tests"].split(";")


def test_good_rows_name_no_test() -> None:
    assert {(row["flag"], row["tests"]) for row in rows(run(file(*calm())))} == {("1", "")}


def test_rows_keep_their_order_and_number_whatever_is_wrong_with_them() -> None:
    lines = calm()
    lines = [lines[5], lines[0], *lines[6:], "2026-03-25T03:00:00Z,,", "not a time,20,00", "x", lines[0]]

    found = rows(run(file(*lines)))

    assert [row["time"] for row in found] == [line.split(",")[0] for line in lines]


def test_an_empty_value_is_missing() -> None:
    found = rows(run(file(*calm(), "2026-03-25T03:00:00Z,,00")))[-1]

    assert (found["flag"], found["tests"]) == ("9", "gap")


def test_gaps_are_told_apart_by_cause_where_the_interval_is_known() -> None:
    lines = calm()
    del lines[2:4]
    lines[5] = lines[5].replace(",00", ",01")
    lines[7] = lines[7].replace(",00", ",02")

    result = run(file(*lines), *RIVER, "--interval", "15min")

    assert result.stderr.splitlines() == [
        "quantrac: silent: 1 gap, 2 steps",
        "quantrac: calibrating: 1 gap, 1 step",
        "quantrac: device-error: 1 gap, 1 step",
    ]


@pytest.mark.parametrize("value", ["abc", "inf", "-inf", "1e400", "12,5x", "1_000", "2\x000"])
def test_a_value_that_is_no_number_fails_and_the_place_is_told(value: str) -> None:
    result = run(file(*calm(), f'2026-03-25T03:00:00Z,"{value}",00'))

    assert (rows(result)[-1]["flag"], rows(result)[-1]["tests"]) == ("4", "format")
    assert result.stderr == f"quantrac: row 13 after the header: {value!r} is no number\n"


def test_decimal_commas_are_read_and_three_digits_after_one_are_asked_about() -> None:
    result = run(file(*calm(), '2026-03-25T03:00:00Z,"20,1",00', '2026-03-25T03:15:00Z,"2,010",00'))

    assert [row["flag"] for row in rows(result)[-2:]] == ["1", "4"]
    assert "row 14 after the header: '2,010' may be a number or a thousand times it" in result.stderr


def test_in_a_file_of_decimal_commas_three_digits_are_decimals() -> None:
    lines = [line.replace(".", ",").replace(",00", ";00") for line in calm()]
    text = "\n".join(["time;value;status", *(line.replace("Z,", "Z;") for line in lines), ""])

    found = rows(run(f"{text}2026-03-25T03:00:00Z;20,125;00\n"))

    assert {row["flag"] for row in found} == {"1"}


def test_a_byte_that_is_no_utf_8_spoils_its_row_at_most() -> None:
    lines = [f"{line},note" for line in calm()]
    lines[3] = lines[3].replace("note", "caf\xe9")
    lines[5] = lines[5].replace("20", "2\xe9")
    content = "\n".join([f"{HEADER},note", *lines, "EOF\x1a"]).encode("latin-1")

    result = CliRunner().invoke(qa, ["-", *RIVER], input=content)

    found = rows(result)
    assert len(found) == len(lines)
    assert [number for number, row in enumerate(found) if row["flag"] != "1"] == [5]


def test_midnight_may_be_written_as_the_end_of_the_day() -> None:
    times = ["2026-03-24T24:00:00Z", "24/03/2026 24:00", "24:00 24/03/2026", "202603242400", "2026-03-25"]
    bad = ["2026-03-24T24:00:01Z", "24/03/2026 24:05", "20260324240500", "2026032424000"]

    found = rows(run("\n".join(["time,value", *(f"{time},20.1" for time in times + bad), ""])))

    assert [row["tests"] for row in found[5:]] == ["format"] * 4
    assert {(row["flag"], row["tests"]) for row in found[:5]} == {("1", "")}


@pytest.mark.parametrize(("status", "flag"), [("0", "1"), ("1", "4"), ("2", "4"), ("3", "3")])
def test_a_status_written_as_a_number_counts(status: str, flag: str) -> None:
    assert rows(run(file(*calm(), f"2026-03-25T03:00:00Z,20.1,{status}")))[-1]["flag"] == flag


def test_a_time_to_come_and_one_before_there_were_loggers_fail() -> None:
    first, *_, last = rows(run(file("1970-01-01T00:00:00Z,20,00", *calm(), "2106-01-01T00:00:00Z,20,00")))

    assert (first["flag"], first["tests"]) == ("4", "age")
    assert (last["flag"], last["tests"]) == ("4", "future")


@pytest.mark.parametrize(("status", "flag"), [("00", "1"), ("01", "4"), ("02", "4"), ("07", "3")])
def test_the_device_status_counts(status: str, flag: str) -> None:
    found = rows(run(file(*calm(), f"2026-03-25T03:00:00Z,20.1,{status}")))[-1]

    assert found["flag"] == flag


def test_a_repeated_time_with_another_value_is_a_duplicate_and_the_last_one_counts() -> None:
    first, second = rows(run(file("2026-03-25T00:00:00Z,20.1,00", "2026-03-25T00:00:00Z,20.4,00")))

    assert (first["flag"], first["tests"]) == ("3", "duplicate")
    assert (second["flag"], second["tests"]) == ("1", "")


def test_a_repeated_row_gets_the_same_flag() -> None:
    first, second = rows(run(file("2026-03-25T00:00:00Z,20.1,00", "2026-03-25T00:00:00Z,20.1,00")))

    assert first == second


@pytest.mark.parametrize("name", ["Nhiệt độ", "temperature", "Nhietdo"])
def test_any_name_of_the_catalogue_does(name: str) -> None:
    found = rows(run(file(*calm(), "2026-03-25T03:00:00Z,2000,00"), "--parameter", name, *RIVER[2:]))

    assert found[-1]["flag"] == "4"


def test_a_parameter_without_rules_in_the_medium_is_judged_by_its_own_past() -> None:
    noise = np.random.default_rng(7).normal(0, 0.1, 20 * 96)
    days = [
        f"2026-03-{1 + n // 96:02}T{n // 4 % 24:02}:{15 * (n % 4):02}:00Z,{5 + noise[n]:.3f}"
        for n in range(20 * 96)
    ]
    text = "\n".join(["time,value", *days, "2026-03-21T00:00:00Z,50", ""])

    found = rows(run(text, "--parameter", "Radiation", "--medium", "groundwater"))

    assert found[-1]["flag"] == "3"
    assert "own_range" in found[-1]["tests"].split(";")
    assert sum(row["flag"] == "1" for row in found) > 0.98 * len(days)


def test_rules_of_a_folder_go_before_the_national_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "station_types:\n  surface-water:\n    parameters:\n      Temp:\n"
        "        physical_range: {low: 0, high: 20.15, source: trial}\n"
    )

    found = rows(run(file(*calm()), *RIVER, "--rules", str(tmp_path)))

    assert {row["value"]: row["flag"] for row in found} == {"20.0": "1", "20.1": "1", "20.2": "4"}


@pytest.mark.parametrize(("stamps", "bad"), [("instant", "14"), ("start", "14"), ("end", "15")])
def test_a_rule_by_the_hour_of_day_is_that_of_what_a_time_stands_for(
    tmp_path: Path, stamps: str, bad: str
) -> None:
    high = [[25.0] * 14 + [20.0] + [25.0] * 9] * 12
    (tmp_path / "mine.yaml").write_text(
        "stations: {}\nstation_types:\n  surface-water:\n    parameters:\n      Temp:\n"
        f"        climatology: {{low: {[[0.0] * 24] * 12}, high: {high}, source: trial}}\n"
    )
    lines = [f"2026-03-25T{hour:02}:00:00Z,{21 + 0.1 * (hour % 3):.1f},00" for hour in range(24)]

    found = rows(run(file(*lines), *RIVER, "--interval", "1h", "--stamps", stamps, "--rules", str(tmp_path)))

    assert [row["time"][11:13] for row in found if "climatology" in row["tests"].split(";")] == [bad]


@pytest.mark.parametrize(
    ("text", "arguments", "complaint"),
    [
        (file(), (*RIVER, "--stamps", "end"), "--stamps end needs the --interval whose end the times name"),
        (file(), (*RIVER, "--stamps", "middle"), "'middle' is not one of"),
        ("", RIVER, "the file is empty"),
        ("when,value\n", RIVER, "line 1: no column 'time'"),
        (file(), ("--parameter", "Tempp", *RIVER[2:]), "the nearest name is 'Temp'"),
        (file(), (*RIVER[:2], "--medium", "lake"), "'lake' is not one of"),
        (file(), (*RIVER, "--interval", "soon"), "'soon' is no interval; write it as 15min, 300s or 1h"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_sentence(
    text: str, arguments: tuple[str, ...], complaint: str
) -> None:
    result = run(text, *arguments)

    assert result.exit_code != 0
    assert complaint in result.stderr


def test_a_file_with_a_header_only_gives_a_header() -> None:
    assert run(file()).stdout == "time,value,flag,tests\n"


def test_values_below_a_limit_of_the_method_are_no_stuck_sensor() -> None:
    limits = [f"2026-03-{day:02}T{hour:02}:00:00Z,{{}},00" for day in range(1, 9) for hour in range(24)]
    ammonium = ("--parameter", "NH4", "--medium", "surface-water")
    found = rows(run(file(*(line.format("<0.2") for line in limits)), *ammonium))
    assert {(row["value"], row["flag"], row["tests"]) for row in found} == {("<0.2", "1", "")}
    stuck = rows(run(file(*(line.format("0.2") for line in limits)), *ammonium))
    assert stuck[-1]["flag"] in {"3", "4"}
