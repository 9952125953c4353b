"""What a vendor is told before a file is sent: what is stored, and what would be flagged or doubted."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.parse import parse

AT_ONCE = ("--received-at", "2026-03-25T15:31+07:00")
NAME = "NB_SDAY_KHI001_20260325153000.txt"
REGISTRY = """
stations:
  - code: NB_SDAY_KHI001
    name: Sông Đáy
    type: ambient-air
    province: "37"
    latitude: 20.25
    longitude: 105.97
    interval_minutes: 30
    parameters:
      - {code: NO2, unit: µg/m3}
      - {code: PM2.5, unit: µg/m3}
      - {code: Temp, unit: °C, file_unit: °C}
  - code: NB_SDAY_KHI002
    name: Cầu
    type: ambient-air
    province: "37"
    latitude: 20.26
    longitude: 105.98
    parameters: [{code: NO2, unit: µg/m3}]
"""


def line(value: str = "27.81", unit: str = "ug/m3", time: str = "20260325153000", status: str = "00") -> str:
    return f"PM2.5\t{value}\t{unit}\t{time}\t{status}\r\n"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "stations.yaml").write_text(REGISTRY, encoding="utf-8")
    return folder


def run(*arguments: object, content: str | None = None) -> Result:
    return CliRunner().invoke(parse, [str(argument) for argument in arguments], input=content)


def strict(registry: Path, content: str, name: str = NAME, *options: object) -> Result:
    return run("--strict", "--registry", registry, *AT_ONCE, "--name", name, *options, "-", content=content)


def codes(registry: Path, content: str, name: str = NAME) -> list[str]:
    answer = strict(registry, content, name, "--json")
    return [doubt["code"] for doubt in json.loads(answer.stdout)["doubts"]]


def test_a_file_that_says_all_it_must_passes(registry: Path) -> None:
    answer = strict(registry, line())
    assert (answer.exit_code, "doubt" in answer.stdout, "flagged" in answer.stdout) == (0, False, False)


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (line(status="3"), NAME, "status"),
        (line(status="OK"), NAME, "status"),
        (line(time="20260325152100"), NAME, "grid"),
        (line("-9999"), NAME, "error_code"),
        (line("7,85") + line("1,234", time="20260325150000"), NAME, "decimal-sign-inferred"),
        (line(), "NB_SDAY_KHI001_20260325122200.txt", "time-apart"),
        (line(unit=""), NAME, "unit-assumed"),
        (line(unit="---"), NAME, "unit-assumed"),
        ("PM2.5\t27.81\t20260325153000\t00\r\n", NAME, "unit-assumed"),
        (line(time="20260325173000"), "NB_SDAY_KHI001.txt", "future"),
        (line(time="20250325153000"), "NB_SDAY_KHI001.txt", "age"),
        ("NB_SDAY_KHI002_Cầu\t\r\n" + line(), NAME, "station-apart"),
        (line("99999"), NAME, "physical_range"),
    ],
)
def test_what_would_be_flagged_or_was_assumed_fails_and_says_what_to_change(
    registry: Path, content: str, name: str, code: str
) -> None:
    assert code in codes(registry, content, name)
    answer = strict(registry, content, name)
    assert answer.exit_code == 1
    assert f"({code}): " in answer.stdout
    assert "What to change: " in answer.stdout
    explained = run("--explain", "--registry", registry, *AT_ONCE, "--name", name, "-", content=content)
    assert explained.exit_code == 0  # every line was read
    assert f"({code}): " in explained.stdout
    assert "Nothing has to be changed." not in explained.stdout


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (line(status="0"), "status"),
        (line(status="01"), "status"),  # an analyser that calibrates, and says so
        (line("-9999", status="02"), "error_code"),
        (line(time="20260325153012"), "grid"),
        (line(time="20260325153012"), "time-apart"),
        (line("7,85"), "decimal-sign-inferred"),
        ("Temp\t23.9\t\t20260325153000\t00\r\n", "unit-assumed"),  # its `file_unit` is registered
        (line(), "station-apart"),
        ("NB_SDAY_KHI001_Sông Đáy\t\r\n" + line(), "station-apart"),
    ],
)
def test_what_a_good_logger_writes_is_not_doubted(registry: Path, content: str, code: str) -> None:
    assert code not in codes(registry, content)


def test_a_number_that_may_be_a_thousand_times_it_is_rejected(registry: Path) -> None:
    answer = strict(registry, line("1,234"), NAME, "--explain")
    assert answer.exit_code == 2
    assert "ambiguous-number" in answer.stdout
    assert "`decimal_sign`" in answer.stdout


def test_a_file_of_a_station_that_is_not_registered_gives_nothing_as_in_the_receiver(registry: Path) -> None:
    answer = strict(registry, line(), "NB_SDAY_KHI009_20260325153000.txt", "--explain")
    assert answer.exit_code == 2
    assert "0 read, 1 rejected" in answer.stdout
    assert "file rejected, unknown-station: The file name" in answer.stdout
    assert "none of the registry; the name states NB_SDAY_KHI009" in answer.stdout
    assert "`aliases`" in answer.stdout


def test_a_file_of_a_station_whose_time_is_over_gives_nothing(registry: Path) -> None:
    text = REGISTRY.replace("name: Sông Đáy", "name: Sông Đáy\n    valid_to: 2026-01-01")
    (registry / "stations.yaml").write_text(text, encoding="utf-8")
    assert "unknown-station" in strict(registry, line()).stdout


def test_a_doubt_that_is_no_fault_of_the_logger_can_be_allowed(registry: Path) -> None:
    content = line(time="20260325152100")
    assert strict(registry, content).exit_code == 1
    assert strict(registry, content, NAME, "--allow", "grid").exit_code == 0


def test_a_code_that_is_none_is_refused_and_never_ignored(registry: Path) -> None:
    answer = strict(registry, line(), NAME, "--allow", "grids")
    assert (answer.exit_code, answer.stderr) == (
        1,
        "quantrac: 'grids' is no code of a doubt; did you mean 'grid'?\n",
    )
    assert run("--allow", "grid", "-", content=line()).exit_code == 2
    assert run("--rules", ".", "-", content=line()).exit_code == 2


def test_stamps_that_keep_step_with_one_another_are_in_step(registry: Path) -> None:
    times = [f"20260325{hour:02}{minute}00" for hour in range(9, 15) for minute in (12, 42)]
    answer = strict(
        registry, "".join(line(str(n), time=time) for n, time in enumerate(times, 20)), NAME, "--json"
    )
    doubts = json.loads(answer.stdout)["doubts"]
    assert [doubt["line"] for doubt in doubts if doubt["code"] == "grid"] == [1, 2, 3]


def test_what_is_stored_is_shown_and_what_was_written_beside_it(registry: Path) -> None:
    content = "NO2\t14.91\tppb\t20260325153000\t00\r\nPM2.5\t27.810\tµg/Nm³\t20260325153000\t00\r\n"
    answer = strict(registry, content)
    rows = [row.split("  ") for row in answer.stdout.splitlines()]
    assert any("28.0375330058" in row and row[-1] == "14.91 ppb" for row in rows)
    assert any("27.810" in row for row in rows)


@pytest.mark.parametrize(
    ("written", "stored"),
    [("7,85", "7.85"), ("1.50E1", "1.50E1"), ("< 0,2", "<0.2"), ("KPH (<0.03)", "<0.03")],
)
def test_the_stored_number_is_shown(registry: Path, written: str, stored: str) -> None:
    table = strict(registry, line(written)).stdout
    assert f"  PM2.5      {stored}" in table
    assert ("as written" in table) == (written != stored)


def test_an_assumed_unit_is_shown_as_not_written(registry: Path) -> None:
    assert "27.81 (no unit)" in strict(registry, line(unit="")).stdout


def test_doubts_without_a_registry_are_those_that_hold_for_every_station() -> None:
    answer = run("--strict", *AT_ONCE, "--name", NAME, "--json", "-", content=line("-9999", "", status="7"))
    assert [doubt["code"] for doubt in json.loads(answer.stdout)["doubts"]] == [
        "unit-assumed",
        "status",
        "error_code",
    ]
    assert answer.exit_code == 1


def test_json_is_the_same_with_and_without_strict_but_for_what_strict_adds(registry: Path) -> None:
    arguments = ["--json", "--registry", registry, *AT_ONCE, "--name", NAME, "-"]
    plain = json.loads(run(*arguments, content=line("-9999")).stdout)
    added = json.loads(run("--strict", *arguments, content=line("-9999")).stdout)
    assert added["assigned"] == "NB_SDAY_KHI001"
    assert added["doubts"][0] == {
        "line": 1,
        "code": "error_code",
        "flag": 4,
        "detail": "-9999 is an error code of buses and loggers, no measurement",
    }
    assert {key: added[key] for key in plain} == plain
    assert set(added) - set(plain) == {"assigned", "doubts"}


def test_standard_input_is_read_under_the_name_that_is_given() -> None:
    answer = run("--name", NAME, "-", content=line())
    assert answer.exit_code == 0
    assert f"{NAME}: 1 read, 0 rejected\n  station NB_SDAY_KHI001" in answer.stdout
    assert run("-", content=line()).stdout.startswith("-: 1 read")
    assert run("--name", NAME, "a", "b").exit_code == 2


def test_lines_are_grouped_by_what_is_said_of_them() -> None:
    explained = run("--explain", *AT_ONCE, "-", content="a\r\nb c\r\nd\r\n" + line()).stdout
    assert "  Line 1: The line has 1 column(s)" not in explained  # the first line is a title
    assert "  Line 2: The line has 2 column(s)" in explained
    assert "  Line 3: The line has 1 column(s)" in explained
    assert explained.count("What to change: Write name, value, unit") == 1


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('{"parameter": "PM2.5", "value": 27.81}', "JSON"),
        ('[{"parameter": "PM2.5"}]', "JSON"),
        ('<?xml version="1.0"?>\n<readings/>', "XML or HTML"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(content: str, form: str) -> None:
    answer = run("--explain", "-", content=content)
    assert answer.exit_code == 2
    assert f"It looks like {form}." in answer.stdout
    assert "It looks like" not in run("--explain", "-", content="HN_A_KHI001_Trạm 1\t\r\n" + line()).stdout


def test_a_long_list_of_sentences_is_cut() -> None:
    content = "".join(line(f"x{number}") for number in range(25)) + line()
    explained = run("--explain", *AT_ONCE, "-", content=content).stdout
    assert "The same of 15 more line(s)." in explained


@pytest.mark.parametrize(
    ("time", "sentence"),
    [
        ("2026-03-25T15:31", "names no zone"),
        ("yesterday", "is neither a date nor a time"),
        ("1950-01-01", "must not lie before 1970"),
        ("9000-01-01", "must not lie after 2299"),
    ],
)
def test_a_time_of_receipt_is_one_that_a_file_can_have(time: str, sentence: str) -> None:
    assert sentence in run("--received-at", time, "-", content=line()).stderr
    assert run("--received-at", "2026-03-25", "--strict", "-", content=line()).exit_code == 1  # midnight


def test_rules_of_a_province_are_asked_where_they_are_given(registry: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("required: [status]\nnational: {tests: {status: {}}}\n", encoding="utf-8")
    assert strict(registry, line("-9999"), NAME, "--rules", rules).exit_code == 0


def test_no_bytes_make_strict_raise() -> None:
    for content in ("", "\x00\x01", "\ufeff", "\t\t\t\t\r\n" * 3, line("1e308", "mg/m3") * 2):
        assert run("--strict", "--explain", "-", content=content).exit_code in (1, 2)
