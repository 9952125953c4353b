"""The command for logger vendors: what the receiver makes of a file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import quantrac
from quantrac.cli.parse import parse
from quantrac.cli.registry import registry

GOOD = "PM2.5\t27.81\tug/m3\t20260325000500\t00\r\n"
NAME = "HN_ABCD_KHI001_20260325000500.txt"
AT_ONCE = ("--received-at", "2026-03-25T00:06+07:00")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(parse, [str(argument) for argument in arguments])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(GOOD.encode())
    return path


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "faulty.txt"
    path.write_bytes((GOOD + "SO2\t12,4x\tug/m3\t20260325000500\t00\r\n").encode())
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.txt"
    path.write_bytes(b"")
    return path


def test_json_gives_one_object_a_file(good: Path, faulty: Path) -> None:
    first, second = (json.loads(line) for line in run("--json", good, faulty).stdout.splitlines())

    assert first == {
        "file": str(good),
        "station": "HN_ABCD_KHI001",
        "format": "name-value-unit-time",
        "readings": [
            {
                "line": 1,
                "parameter": "PM2.5",
                "value": 27.81,
                "text": "27.81",
                "unit": "µg/m3",
                "measured_at": "2026-03-24T17:05:00Z",
                "status": "00",
                "qualifier": "",
            }
        ],
        "rejects": [],
    }
    assert second["rejects"] == [
        {
            "line": 2,
            "text": "SO2\t12,4x\tug/m3\t20260325000500\t00",
            "reason": "value-not-a-number",
            "detail": 'The value column holds "12,4x", which is not a number.',
        }
    ]


def test_the_table_shows_readings_and_explains_rejects(faulty: Path) -> None:
    assert run(faulty).stdout.splitlines() == [
        f"{faulty}: 1 read, 1 rejected",
        "  station (none in the name), format name-value-unit-time",
        "  line  parameter  value  unit   measured at                status",
        "  1     PM2.5      27.81  µg/m3  2026-03-25T00:05:00+07:00  00",
        '  line 2 rejected, value-not-a-number: The value column holds "12,4x", which is not a number.',
        "    SO2→12,4x→ug/m3→20260325000500→00",
        "",
    ]


def test_control_sequences_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "hostile.txt"
    path.write_bytes((GOOD + "\x1b[2J\t1\t\t20260325000500\t00\r\nbad\x1b]0;x\x07\r\n").encode())

    assert "\x1b" not in run(path).stdout


def test_the_exit_status_is_that_of_the_worst_file(good: Path, faulty: Path, empty: Path) -> None:
    assert run(good).exit_code == 0
    assert run(good, faulty).exit_code == 1
    assert run(empty, good, faulty).exit_code == 2


def test_a_missing_file_is_one_sentence_and_the_others_are_still_shown(good: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.txt"

    result = run(missing, good)

    assert result.exit_code == 2
    assert result.stderr == f"{missing}: No such file or directory.\n"
    assert f"{good}: 1 read, 0 rejected" in result.stdout


def test_the_command_loads_no_heavy_library() -> None:
    heavy = {"numpy", "pydantic", "confluent_kafka", "rich"}
    code = f"import sys, quantrac.cli.parse; print(*{heavy} & set(sys.modules))"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == ""


def test_a_registry_gives_names_units_and_clock_of_the_station(tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "stations.yaml").write_text(
        """
stations:
  - code: HN_ABCD_KHI001
    name: Trạm
    type: ambient-air
    province: "01"
    latitude: 21
    longitude: 105
    parameters: [{code: CO, unit: mg/m3, file_names: [CO_1]}]
""",
        encoding="utf-8",
    )
    file = tmp_path / NAME
    file.write_bytes(b"CO_1\t3087\tug/m3\t20260325000500\t00\r\nNO2\t1\tug/m3\t20260325000500\t00\r\n")
    result = run("--json", "--registry", tmp_path / "registry", file)
    parsed = json.loads(result.stdout)
    assert [(r["parameter"], r["value"], r["unit"]) for r in parsed["readings"]] == [("CO", 3.087, "mg/m3")]
    assert [reject["reason"] for reject in parsed["rejects"]] == ["unknown-parameter"]
    assert result.exit_code == 1


def test_a_registry_may_be_a_workbook(tmp_path: Path) -> None:
    demo, workbook = Path(quantrac.__file__).parent / "local/demo", tmp_path / "demo.xlsx"
    assert CliRunner().invoke(registry, ["export", str(demo), "--xlsx", str(workbook)]).exit_code == 0
    file = tmp_path / "HN_DEMO_KHI001_20260325000500.txt"
    file.write_text("NO2\t14.91\tppb\t20260325000500\t00\r\n", encoding="utf-8")
    outputs = [run("--json", *AT_ONCE, "--registry", source, file).output for source in (demo, workbook)]
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[1])["readings"][0]["unit"] == "µg/m3", "that of the registry"
    assert "neither a folder nor a workbook" in run("--registry", file, file).output


def test_a_mistake_in_the_registry_is_one_sentence(tmp_path: Path, good: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "stations.yaml").write_text("station: []", encoding="utf-8")
    result = run("--registry", tmp_path / "registry", good)
    assert result.exit_code == 1
    assert "unknown key 'station'; did you mean 'stations'?" in result.output


def test_explain_says_what_to_change_for_each_reason(faulty: Path) -> None:
    answer = run("--explain", faulty)
    assert answer.exit_code == 1
    assert '  Line 2: The value column holds "12,4x", which is not a number.' in answer.stdout
    assert "What to change: Write digits with a decimal point." in answer.stdout
    assert "  Columns: name-value-unit-time. 1 line(s) were read." in answer.stdout


def test_explain_says_so_where_nothing_has_to_be_changed(good: Path) -> None:
    assert "Nothing has to be changed." in run("--explain", *AT_ONCE, good).stdout


def test_the_layout_of_a_folder_is_told_from_the_folders_of_files_in_it(tmp_path: Path) -> None:
    day = tmp_path / "hanam3" / "Năm 2019" / "tháng 05" / "ngày 30"
    day.mkdir(parents=True)
    (day / NAME).write_bytes(GOOD.encode())
    answer = run("--layout", tmp_path / "hanam3")
    assert answer.exit_code == 0
    assert "layout 9 (Nam 2019/thang 05/ngay 30), 1 folder(s)" in answer.stdout


def test_a_folder_that_need_not_exist_is_told_by_its_path() -> None:
    assert "layout 6" in run("--layout", "/srv/ftp/hanam3/2019/Thang05/30052019").stdout


def test_a_layout_that_is_none_of_the_ten_ends_with_2() -> None:
    answer = run("--layout", "/srv/ftp/hanam3/30.05.2019")
    assert answer.exit_code == 2
    assert "none of the ten" in answer.stdout
    assert "What to change" in answer.stdout


def test_neither_a_file_nor_a_folder_is_a_mistake() -> None:
    assert run().exit_code == 2
    assert "--layout FOLDER" in run().stderr
