"""What others wrote reaches nobody's terminal raw, whichever subcommand prints it."""

import ast
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.cli.terminal import csv_writer, echo
from services.aggregator.notify import trial
from services.aggregator.notify.target import TargetRefused

STEERING = "\x1b[2J\x9b31m\r\x07\u202e\x7f"


def shown(result) -> str:
    text = result.stdout + result.stderr
    assert all(character.isprintable() or character in "\n\t" for character in text), ascii(text)
    return text


def test_what_is_printed_shows_control_characters_and_keeps_lines(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"a\tb\nTrạm {STEERING}")
    echo(STEERING, err=True)
    printed = capsys.readouterr()
    assert printed.out == "a\tb\nTrạm \\x1b[2J\\x9b31m\\r\\x07\\u202e\\x7f\n"
    assert printed.err == "\\x1b[2J\\x9b31m\\r\\x07\\u202e\\x7f\n"


def test_a_table_for_programs_is_escaped_too() -> None:
    @click.command()
    def write() -> None:
        csv_writer().writerow(["Trạm", f"x{STEERING}", "a,b"])

    assert CliRunner().invoke(write).stdout == 'Trạm,x\\x1b[2J\\x9b31m\\r\\x07\\u202e\\x7f,"a,b"\n'


@pytest.mark.parametrize(
    "arguments",
    [
        ["parse", f"no-{STEERING}.txt"],
        ["parse", "{file}"],
        ["parse", "--explain", "{file}"],
        ["parse", "--json", "{file}"],
        ["qa", "{table}", "--parameter", "PM2.5", "--medium", "ambient-air"],
        ["index", "vn-aqi", "{table}"],
        ["rules", "check", "{file}"],
        ["registry", "check", "{folder}"],
        ["logs", "api", "--data", "{folder}"],
        ["logs", f"api{STEERING}", "--data", "{folder}"],
        ["put", f"{STEERING}.txt"],
        [f"no{STEERING}"],
        ["parse", f"--no{STEERING}"],
        ["limits", "show", f"QCVN{STEERING}"],
        ["notify", "test", "--config", f"{STEERING}.yaml"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]).encode("ascii", "replace").decode("ascii"),
)
def test_no_subcommand_prints_what_it_was_given_raw(tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / f"HN_BKHN_KHIKXQ_20260325000500{STEERING.replace('/', '')}.txt"
    file.write_text(f"PM2.5\t{STEERING}\tug/m3\t20260325000500\t00\n{STEERING}\n")
    table = tmp_path / "table.csv"
    table.write_text(f"time,value\n2026-03-25T00:00{STEERING},{STEERING}\n2026-03-25T01:00,12\n", newline="")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "api.log").write_text(f"login of {STEERING} refused\n")
    (tmp_path / "stations.yaml").write_text('- code: "A\\x1b[2J"\n')
    places = {"{file}": str(file), "{table}": str(table), "{folder}": str(tmp_path)}
    result = CliRunner().invoke(main, [places.get(argument, argument) for argument in arguments])
    assert shown(result)


def test_no_subcommand_leaves_its_last_words_to_the_interpreter() -> None:
    # sys.exit prints a text as it is, and no rule of the linter looks into its argument.
    for path in Path("quantrac/cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "sys.exit" and node.args:
                said = node.args[0]
                text = isinstance(said, ast.JoinedStr) or isinstance(getattr(said, "value", None), str)
                assert not text, f"{path}:{node.lineno}: print it by echo, then exit"


def test_what_a_target_answers_to_a_trial_is_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Channel:
        def send(self, notice: object) -> str:
            raise TargetRefused(f"500 {STEERING}")

        def close(self) -> None:
            pass

    target = SimpleNamespace(name="mail", language="en")
    monkeypatch.setattr(trial, "load_targets", lambda *_: [target])
    monkeypatch.setattr(trial, "open_channel", lambda *_: Channel())
    assert trial.main(["--config", "targets.yaml"]) == 1
    assert capsys.readouterr().out == "mail: refused: 500 \\x1b[2J\\x9b31m\\r\\x07\\u202e\\x7f\n"
