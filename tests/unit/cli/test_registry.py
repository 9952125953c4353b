"""``quantrac registry``: check, import and export of folders and workbooks."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli import main, terminal
from quantrac.cli.terminal import say
from quantrac.io.records import Record
from quantrac.local.demo import REGISTRY, demo_stations
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import load_directory, record_key

ACCOUNT = """\
accounts:
  - {name: demo, password_hash: $argon2id$x, stations: [HN_DEMO_KHI001]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry folder with the demo's stations and an account."""
    path = tmp_path / "registry"
    path.mkdir()
    (path / "stations.yaml").write_bytes((REGISTRY / "stations.yaml").read_bytes())
    (path / "accounts.yaml").write_text(ACCOUNT)
    return path


def run(*arguments: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, ["registry", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


def test_a_folder_goes_into_a_workbook_and_back(folder: Path, tmp_path: Path) -> None:
    workbook, again = tmp_path / "a.xlsx", tmp_path / "again"
    again.mkdir()
    assert run("export", folder, "--xlsx", workbook, "--accounts").output == (
        f"wrote 21 stations and 1 account to {workbook}\n"
    )
    assert run("check", workbook).output == "22 records, no mistake\n"
    run("export", workbook, "--yaml", again / "all.yaml", "--accounts")
    by_key = [sorted(load_directory(path), key=record_key) for path in (folder, again)]
    assert by_key[0] == by_key[1]


def test_accounts_leave_only_where_that_is_said(folder: Path, tmp_path: Path) -> None:
    printed = run("export", folder, "--yaml", tmp_path / "a.yaml").output
    assert printed.endswith("left 1 account out; --accounts writes them too\n")
    assert "argon2id" not in (tmp_path / "a.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Give --xlsx FILE or --yaml FILE."),
        (["--xlsx", "a.xlsx", "--yaml", "a.yaml"], "Give --xlsx FILE or --yaml FILE."),
    ],
)
def test_an_export_needs_one_file(folder: Path, options: list[str], sentence: str) -> None:
    assert sentence in run("export", folder, *options, status=2).output


def test_an_export_replaces_no_file_and_takes_no_other_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("mine")
    assert "is there already" in run("export", folder, "--xlsx", tmp_path / "a.xlsx", status=1).output
    assert (tmp_path / "a.xlsx").read_text() == "mine"
    assert "must end in .yaml" in run("export", folder, "--yaml", tmp_path / "a.yml", status=1).output


@pytest.mark.parametrize("name", ["a.xlsx", "a.yaml"])
def test_what_is_neither_folder_nor_workbook_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("stations:\n")
    for command in ("check", "export"):
        more = ["--xlsx", tmp_path / "b.xlsx"] if command == "export" else []
        printed = run(command, tmp_path / name, *more, status=1).stderr
        assert printed.startswith(f"quantrac: {tmp_path / name}: ")
        assert "workbook" in printed


def test_a_check_names_every_mistake_and_fails(folder: Path) -> None:
    text = (folder / "stations.yaml").read_text(encoding="utf-8").replace('"01"', "01", 2)
    (folder / "stations.yaml").write_text(text, encoding="utf-8")
    numbers = [n for n, line in enumerate(text.splitlines(), start=1) if line.endswith("province: 01")]
    first, *lines = run("check", folder, status=1).stderr.splitlines()
    assert first == "quantrac: 2 mistakes"
    assert [line.split(":")[0] for line in lines] == [f"  stations.yaml, line {n}" for n in numbers]
    assert all('province: YAML reads 01 as the number 1; put it in quotes: "01"' in line for line in lines)


def test_a_territory_is_an_option_and_a_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    equator = "0,100,5,110"
    run("check", folder)
    printed = run("check", folder, "--territory", equator, status=1).output
    assert "lies outside latitude 0 to 5, longitude 100 to 110" in printed
    monkeypatch.setenv("QUANTRAC_TERRITORY", equator)
    run("check", folder, status=1)
    run("check", folder, "--territory", "any")


@pytest.mark.parametrize("wrong", ["5,100,0,110", "x", "1,2,3", "0,100,5,1_10", "-91,0,0,1"])
def test_a_territory_that_is_none_is_refused(folder: Path, wrong: str) -> None:
    printed = run("check", folder, "--territory", wrong, status=2).output
    assert "write south, west, north and east in degrees" in printed


def test_what_is_in_force_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stations = demo_stations()[:2]
    account = Account(name="demo", password_hash="$argon2id$x")
    gone = stations[0].model_copy(update={"code": "HN_GONE"})
    records = [
        *(Record("t", record_key(r), r.model_dump_json().encode()) for r in (*stations, account, gone)),
        Record("t", record_key(gone), None),
        Record("t", b"decision/20260325T000000-0", b"{}"),
    ]

    class Reader:
        def __init__(self, connection: object, topic: str, apply: object) -> None:
            self.apply = apply

        def start(self, timeout: float) -> None:
            for record in records:
                self.apply(record.key, record.value)  # type: ignore[operator]

        def close(self) -> None:
            pass

    monkeypatch.setattr("quantrac.io.kafka.tables.TableReader", Reader)
    monkeypatch.setenv("QUANTRAC_KAFKA", "broker:9092")
    folder = tmp_path / "out"
    folder.mkdir()
    run("export", "--yaml", folder / "a.yaml", "--accounts")
    assert load_directory(folder) != []
    assert {record_key(record) for record in load_directory(folder)} == {
        *(record_key(station) for station in stations),
        b"account/demo",
    }
    assert [record for record in load_directory(folder) if isinstance(record, Station)] == stations


def test_a_terminal_is_told_each_step_and_a_pipe_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say("reading the folder")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(terminal.sys.stderr, "isatty", lambda: True, raising=False)
    say("reading the folder")
    assert capsys.readouterr().err == "reading the folder ...\n"
