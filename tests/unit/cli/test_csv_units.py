"""What a CSV's values are in: its headings, the options, and values that say that neither can be true."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.index import index
from quantrac.cli.qa import qa
from quantrac.domain.tables.headings import split_heading

DAYS = range(1, 4)


def hours(heading: str, value: Callable[[int], object]) -> str:
    rows = (f"2026-03-{day:02}T{hour:02}:00,{value(hour)}" for day in DAYS for hour in range(1, 24))
    return "\n".join([f"time,{heading}", *rows, ""])


def air(heading: str, *options: str, value: object = 2100) -> Result:
    return CliRunner().invoke(index, ["vn-aqi", *options, "-"], input=hours(heading, lambda _: value))


def second_column(result: Result) -> str:
    return result.stdout.splitlines()[1].split(",")[1]


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("CO", 2100),
        ("CO (µg/m3)", 2100),
        ("CO (mg/m3)", 2.1),
        ("CO(mg/Nm3)", 2.1),
        ("CO [mg.m-3]", 2.1),
        ("co (MG/M³)", 2.1),
        ("CO (g/m3)", 0.0021),
        ("CO (ppm)", 1.8343),
        ("CO (ppb)", 1834.3),
    ],
)
def test_the_heading_says_what_values_of_air_are_in(heading: str, value: float) -> None:
    answer = air(heading, value=value)
    assert (answer.exit_code, answer.stderr, second_column(answer)) == (0, "", "11")
    assert answer.stdout.splitlines()[0] == f"time,{heading},vn_aqi"


def test_an_option_wins_over_the_heading() -> None:
    assert second_column(air("CO (mg/m3)", "--unit", "CO=µg/m3")) == "11"
    assert second_column(air("CO", "--unit", "co=mg/m3", value=2.1)) == "11"


@pytest.mark.parametrize(
    ("heading", "options", "sentence"),
    [
        ("CO (mg/m33)", (), "column 'CO (mg/m33)': the unit 'mg/m33' is unknown; the nearest is 'mg/m3'"),
        ("CO (°C)", (), "column 'CO (°C)': '°C' does not convert to 'µg/m3', the unit of CO"),
        ("PM10 (ppb)", (), "column 'PM10 (ppb)': 'ppb' does not convert to 'µg/m3', the unit of PM10"),
        ("CO", ("--unit", "CO"), "--unit 'CO': write it as NAME=UNIT, such as CO=mg/m3"),
        ("CO", ("--unit", "Foo=mg/m3"), "--unit 'Foo=mg/m3': 'Foo' is no parameter of the index"),
        ("CO", ("--unit", "O3=mg/m3"), "--unit: the file has no column of O3"),
        ("CO", ("--unit", "CO=x"), "--unit 'CO=x': the unit 'x' is unknown; the nearest is"),
    ],
)  # fmt: skip
def test_a_unit_that_cannot_be_ends_the_command(
    heading: str, options: tuple[str, ...], sentence: str
) -> None:
    answer = air(heading, *options)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"quantrac: line 1: {sentence}")


@pytest.mark.parametrize(
    ("heading", "value", "sentence"),
    [
        (
            "CO",
            2.1,
            "line 1: CO is taken to be in µg/m3, but on 3 of 3 days the highest value stays below 50 µg/m3: "
            "is it mg/m3? Then write --unit CO=mg/m3\n",
        ),
        (
            "CO (mg/m3)",
            2100,
            "line 1: CO is taken to be in mg/m3, but on 3 of 3 days half of the hours lie above 50000 µg/m3: "
            "is it µg/m3? Then write --unit CO=µg/m3\n",
        ),
        (
            "PM2.5",
            0.03,
            "line 1: PM2.5 is taken to be in µg/m3, but on 3 of 3 days the highest value stays below "
            "0.2 µg/m3: is it mg/m3? Then write --unit PM2.5=mg/m3\n",
        ),
        ("CO", 60, ""),
        ("CO", 30_000, ""),
        ("CO", 0, ""),
        ("O3", 2, ""),
        ("SO2", 0.3, ""),
        ("PM2.5", 900, ""),
    ],
)
def test_values_that_cannot_be_in_their_unit_for_days_are_told(
    heading: str, value: float, sentence: str
) -> None:
    answer = air(heading, value=value)
    assert (answer.exit_code, answer.stderr) == (0, sentence)


def test_one_day_out_of_three_says_nothing_of_the_unit() -> None:
    text = hours("CO", lambda hour: 2100).replace("2026-03-01T", "x").replace(",2100", ",2.1", 23)
    assert "taken to be" not in CliRunner().invoke(index, ["vn-aqi", "-"], input=text).stderr


EXPORT = "STT,Datetime,PM-2-5(µg/Nm3}},CO(mg/Nm3}},Nhiệt độ(oC}}\n1,14:00 01/01/2025,112.54,{co},23.25\n"


def test_an_export_of_the_national_system_is_read_as_it_is() -> None:
    answer = CliRunner().invoke(index, ["vn-aqi", "-"], input=EXPORT.format(co=2131.41))
    assert answer.stdout.splitlines()[1] == "14:00 01/01/2025,,,11,,"
    assert answer.stderr.splitlines()[-1] == (
        "line 1: 'CO(mg/Nm3}' is read as µg/m3: exports of the national system hold µg there"
    )


def test_an_export_whose_label_is_true_is_taken_by_its_label() -> None:
    answer = CliRunner().invoke(index, ["vn-aqi", "-"], input=EXPORT.format(co=2.13141))
    assert answer.stdout.splitlines()[1] == "14:00 01/01/2025,,,11,,"
    assert "is read as" not in answer.stderr


def test_another_file_with_that_label_is_not_taken_for_an_export() -> None:
    text = EXPORT.format(co=2131.41).replace("PM-2-5", "PM2.5")
    answer = CliRunner().invoke(index, ["vn-aqi", "-"], input=text)
    assert answer.stdout.splitlines()[1] == "14:00 01/01/2025,,,500,,"
    assert "is read as" not in answer.stderr


def test_the_heading_says_what_values_of_water_are_in() -> None:
    header = "time,pH,DO (mg/l),Nhiệt độ (°F),BOD5,COD (g/m3),N-NH4 (µg/L),P-PO4,Coliform (MPN/mL),As (µg/L)"
    row = "2026-03-01,7.2,6.0,77,10,20,450,0.15,60,10"
    answer = CliRunner().invoke(index, ["vn-wqi", "-"], input=f"{header}\n{row}\n")
    usual = CliRunner().invoke(
        index,
        ["vn-wqi", "-"],
        input="time,pH,DO,Temp,BOD,COD,NH4-N,PO4-P,Coliform,As\n"
        "2026-03-01,7.2,6.0,25,10,20,0.45,0.15,6000,0.01\n",
    )
    assert answer.stdout.splitlines()[1] == usual.stdout.splitlines()[1]
    assert (answer.exit_code, answer.stderr) == (0, usual.stderr)


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("Noise (dB(A))", "Noise", "dB(A)"),
        ("Cr(VI) (µg/L)", "Cr(VI)", "µg/L"),
        ("Cr(VI)", "Cr", "VI"),
        ("\ufeffCO  [mg/m³]", "CO", "mg/m3"),
        ("(mg/m3)", "(mg/m3)", None),
        ("CO)", "CO)", None),
        ("CO (mg/m3) x", "CO (mg/m3) x", None),
        ("", "", None),
        ("()", "()", None),
    ],
)
def test_a_heading_is_a_name_and_the_unit_in_brackets_after_it(
    heading: str, name: str, unit: str | None
) -> None:
    assert split_heading(heading) == (name, unit)


def test_a_name_with_brackets_of_its_own_is_a_name() -> None:
    answer = CliRunner().invoke(index, ["vn-wqi", "-"], input="time,Cr(VI),Cr(VI) (µg/L),x\n")
    assert "'Cr(VI)' and 'Cr(VI) (µg/L)' are the same parameter" in answer.stderr


def flags(folder: Path, heading: str, value: float, *options: str) -> Result:
    file = folder / "series.csv"
    file.write_text(hours(heading, lambda hour: round(value + hour * value / 100, 6)), encoding="utf-8")
    arguments = [str(file), "--parameter", "CO", "--medium", "ambient-air", "--interval", "1h", *options]
    return CliRunner().invoke(qa, arguments)


def test_qa_judges_values_in_the_unit_of_the_heading_or_the_option(tmp_path: Path) -> None:
    usual = flags(tmp_path, "value", 2000)
    assert "taken to be" not in usual.stderr
    for answer in (flags(tmp_path, "value (mg/m3)", 2), flags(tmp_path, "value", 2, "--unit", "mg/m3")):
        assert [row.split(",")[2:] for row in answer.stdout.splitlines()] == [
            row.split(",")[2:] for row in usual.stdout.splitlines()
        ]
        assert answer.stdout.splitlines()[1].startswith("2026-03-01T01:00,2.02,")


def test_qa_says_that_values_cannot_be_in_their_unit(tmp_path: Path) -> None:
    sentence = "is it mg/m3? Then write --unit mg/m3\n"
    assert sentence in flags(tmp_path, "value", 2).stderr
    assert "does not convert to 'µg/m3'" in flags(tmp_path, "value (°C)", 2).stderr
