"""What the command says of an error: the user's own in a sentence, ours with a trace in a file."""

import re
import stat
import sys
import tempfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from quantrac import cli
from quantrac.cli import main, mistakes
from quantrac.errors import UserError
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseBadData
from quantrac.io.records import DeliveryFailed
from quantrac.local.errors import LocalError

STEERING = "\x1b[2J"


@pytest.fixture(autouse=True)
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the command takes for temporary files."""
    folder = tmp_path / "traces"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def run_command_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Result:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(cli, "_COMMANDS", ("broken",))
    monkeypatch.setitem(sys.modules, "quantrac.cli.broken", broken)
    broken.broken = broken  # type: ignore[attr-defined]
    return CliRunner().invoke(main, ["broken"])


@pytest.mark.parametrize("error", [UserError("line 3: no time"), LocalError("Port 8080 is in use.")], ids=str)
def test_what_the_user_can_put_right_is_one_sentence_and_exit_status_1(
    monkeypatch: pytest.MonkeyPatch, traces: Path, error: UserError
) -> None:
    result = run_command_that_raises(monkeypatch, error)
    assert result.exit_code == 1
    assert result.stderr == f"quantrac: {error}\n"
    assert not list(traces.iterdir())


@pytest.mark.parametrize(
    "error",
    [
        ValueError("could not broadcast input array from shape (3,) into shape (4,)"),
        KeyError("flag"),
        AssertionError(),
        OSError("no file of anybody's"),
        ClickHouseBadData("Unknown identifier `stations`"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_ours_its_trace_is_in_a_file_that_the_sentence_names(
    monkeypatch: pytest.MonkeyPatch, traces: Path, error: Exception
) -> None:
    result = run_command_that_raises(monkeypatch, error)
    assert result.exit_code == 70
    sentence = re.fullmatch(
        r"quantrac: This is our mistake, not yours: the trace is in (\S+); please report it\.\n",
        result.stderr,
    )
    assert sentence is not None, result.stderr
    (trace,) = traces.iterdir()
    assert Path(sentence[1]) == trace
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    text = trace.read_text()
    assert "Traceback (most recent call last):" in text
    assert "raise error" in text
    assert type(error).__name__ in text


def test_a_trace_shows_control_characters_escaped(monkeypatch: pytest.MonkeyPatch, traces: Path) -> None:
    run_command_that_raises(monkeypatch, RuntimeError(f"the server said {STEERING}"))
    (trace,) = traces.iterdir()
    assert "the server said \\x1b[2J" in trace.read_text()
    assert "\x1b" not in trace.read_text()


def test_a_trace_that_cannot_be_written_is_printed(monkeypatch: pytest.MonkeyPatch, traces: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(traces / "gone"))
    result = run_command_that_raises(monkeypatch, RuntimeError(f"the server said {STEERING}"))
    assert result.exit_code == 70
    assert "RuntimeError: the server said \\x1b[2J" in result.stderr
    assert result.stderr.endswith("please report it with the trace above.\n")


def test_a_file_that_the_system_refuses_is_the_users_to_put_right(
    monkeypatch: pytest.MonkeyPatch, traces: Path
) -> None:
    result = run_command_that_raises(monkeypatch, PermissionError(13, "Permission denied", "hanoi.yaml"))
    assert (result.exit_code, result.stderr) == (1, "quantrac: hanoi.yaml: Permission denied\n")
    assert not list(traces.iterdir())


@pytest.mark.parametrize(
    "error", [click.UsageError("no such option"), click.Abort(), BrokenPipeError(32, "")]
)
def test_the_ways_in_which_click_ends_are_no_mistake(
    monkeypatch: pytest.MonkeyPatch, traces: Path, error: Exception
) -> None:
    assert run_command_that_raises(monkeypatch, error).exit_code != mistakes.EXIT_MISTAKE
    assert not list(traces.iterdir())


BAD_BYTES = b"time,value\n\xff\xfe,1\n"
HUGE_CELL = b"time,value\n" + b"1" * 200_000 + b",1\n"
DATED = (
    'stations:\n  - {code: X, name: X, type: stack, province: "01", latitude: 21, longitude: 105,\n'
    "     valid_from: "
)
NO_DATE = f"{DATED}2026-02-30}}\n"
EARLY = f"{DATED}0001-01-01}}\n"
CODE = "HN_DEMO_KHI001"
SIMULATE = ["simulate", "--csv", "{a.csv}", "--station", "X", "--ftp", "127.0.0.1:1"]


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ({"a.csv": HUGE_CELL}, ["qa", "{a.csv}", "--parameter", "PM2.5", "--medium", "ambient-air"]),
        ({"a.csv": b"value\n1\n"}, ["qa", "{a.csv}", "--parameter", "PM2.5", "--medium", "ambient-air"]),
        ({"a.csv": BAD_BYTES}, SIMULATE),
        ({"a.csv": b""}, SIMULATE),
        ({"a.csv": b""}, ["simulate", "--csv", "{a.csv}", "--station", "X", "--data", "{none}"]),
        ({"a.csv": b"time,CO\n0001-01-01T00:00Z,1\n9999-12-31T23:00Z,1\n"}, SIMULATE),
        ({"r/a.yaml": NO_DATE.encode()}, ["registry", "check", "{r}"]),
        ({"r/a.yaml": b"stations: 5\n"}, ["registry", "check", "{r}"]),
        ({"r/a.yaml": EARLY.encode()}, ["registry", "check", "{r}"]),
        ({"r/a.yaml": b"\xff\xfe\x00"}, ["registry", "check", "{r}"]),
        ({"r/a.yaml": b"stations: [\n"}, ["limits", "of", "X", "--registry", "{r}"]),
        ({"r/a.yaml": b"stations: [\n"}, ["parse", "schemas/examples/raw-file.txt", "--registry", "{r}"]),
        ({"rules.yaml": b"national: 5\n"}, ["rules", "check", "{rules.yaml}"]),
        ({"rules.yaml": b"\xff\n"}, ["rules", "check", "{rules.yaml}"]),
        ({}, ["limits", "show", "QCVN"]),
        ({}, ["migrate", "--print", "--cluster", "a b"]),
        ({}, ["status", "--data", "{none}"]),
        ({"d/kind.json": b"{"}, ["status", "--data", "{d}"]),
        ({"d/kind.json": b'{"demo": false}', "d/run/ports.json": b""}, ["keys", "list", "--data", "{d}"]),
        (
            {"d/run/x": b"", "d/secrets.json": b"["},
            ["put", "{d/run/x}", "--ftp", "x", "--account", "a", "--data", "{d}"],
        ),
        ({}, ["up", "--port", "api=8080", "--data", "{none}"]),
        ({}, ["up", "--port", "api", "--data", "{none}"]),
        ({}, ["logs", "api", "--data", "{none}"]),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else ",".join(value),
)
def test_what_a_person_wrote_is_never_our_mistake(
    tmp_path: Path, traces: Path, files: dict[str, bytes], arguments: list[str]
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    command_line = [
        re.sub(r"\{(.+)\}", lambda match: str(tmp_path / match[1]), argument) for argument in arguments
    ]
    result = CliRunner().invoke(main, command_line)
    assert result.exit_code == 1, result.stderr
    assert re.fullmatch(r"quantrac: [^\n]+\n", result.stderr), result.stderr
    assert not list(traces.iterdir())


def test_times_that_lie_too_far_apart_to_count_the_gaps_between_cost_no_flag(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("time,value\n0001-01-01T00:00Z,1\n2026-03-25,2\n")
    options = ["--parameter", "PM2.5", "--medium", "ambient-air", "--interval", "1s"]
    result = CliRunner().invoke(main, ["qa", str(table), *options])
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)
    assert result.stderr == "quantrac: the times lie too far apart to count what is missing between them\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ClickHouseAway("connection refused"), "ClickHouse: connection refused"),
        (DeliveryFailed("timed out"), "the broker at 127.0.0.1:9 did not take it: timed out"),
    ],
    ids=str,
)
def test_a_server_that_is_away_is_no_mistake_of_ours(
    monkeypatch: pytest.MonkeyPatch, traces: Path, error: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setenv("QUANTRAC_KAFKA", "127.0.0.1:9")
    monkeypatch.setattr("quantrac.cli.keys.read_registry", fail)
    result = CliRunner().invoke(main, ["keys", "list"])
    assert (result.exit_code, result.stderr) == (1, f"quantrac: {sentence}\n")
    assert not list(traces.iterdir())
