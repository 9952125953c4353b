"""The conformance corpus: data in step with the cases, every reason in it, and answers held against it."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.conformance import conformance
from quantrac.cli.parse import parse
from quantrac.conformance.cases import CASES, Case
from quantrac.conformance.corpus import DATA, Entry, build_corpus, compare, format_corpus, load_corpus
from quantrac.domain.inspection.doubt import Assumption
from quantrac.domain.parsing import FORMATS, Reason
from quantrac.domain.rejects import REJECT_REASONS, TRUNCATED_FILE

ENTRIES = {entry.name: entry for entry in load_corpus()}
RECEIVED = ("--received-at", "2026-03-24T17:06:00Z")


def run(*arguments: object, content: str | None = None) -> Result:
    return CliRunner().invoke(conformance, [str(argument) for argument in arguments], input=content)


def test_the_data_are_what_make_docs_writes() -> None:
    assert DATA.read_text(encoding="utf-8") == format_corpus(build_corpus()), "run `make docs`"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_gives_what_its_case_says(case: Case) -> None:
    entry = ENTRIES[case.name]
    assert b64decode(entry.content) == case.content
    expected = entry.expected
    assert len(expected["readings"]) == case.readings
    assert [(reject["line"], reject["reason"]) for reject in expected["rejects"]] == list(case.rejects)
    assert [(doubt["line"], doubt["code"]) for doubt in expected["doubts"]] == list(case.doubts)


def test_every_reason_every_assumption_and_every_layout_has_a_file() -> None:
    reasons = {reason for case in CASES for _, reason in case.rejects}
    codes = {code for case in CASES for _, code in case.doubts}
    # One says that a list is cut, the other that a transfer was: no file by itself has them.
    assert set(REJECT_REASONS) - reasons == {Reason.TOO_MANY_REJECTS, TRUNCATED_FILE}
    assert set(Assumption) <= codes
    assert {layout.name for layout in FORMATS} <= {entry.expected["format"] for entry in ENTRIES.values()}


def test_names_are_no_two_alike_and_no_file_is_large() -> None:
    assert len(ENTRIES) == len(CASES)
    assert max(len(case.content) for case in CASES) < 2_000


def test_this_version_reads_the_corpus_as_expected() -> None:
    answer = run()
    assert (answer.exit_code, answer.stdout) == (
        0,
        f"{len(CASES)} of {len(CASES)} files are read as expected.\n",
    )


def test_the_list_says_what_each_file_is_about() -> None:
    assert f"main-layout/{ENTRIES['main-layout'].file}: Name, value, unit" in run("--list").stdout


def test_what_is_exported_is_read_by_parse_and_its_answers_are_held_against_the_corpus(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kit"
    assert run("--export", folder).exit_code == 0
    manifest = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    files = [folder / entry["path"] for entry in manifest]
    assert files[0].read_bytes() == CASES[0].content
    options = ["--json", "--strict", *RECEIVED, "--registry", str(folder / "registry")]
    parsed = CliRunner().invoke(parse, [*options, *map(str, files)])
    answer = run("-", content=parsed.stdout)
    assert (answer.exit_code, answer.stdout) == (
        0,
        f"{len(CASES)} of {len(CASES)} files are read as expected.\n",
    )


def test_a_folder_that_holds_anything_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    answer = run("--export", tmp_path)
    assert (answer.exit_code, answer.stderr) == (1, f"quantrac: {tmp_path} is not empty\n")


def entry() -> Entry:
    return ENTRIES["main-layout"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("value", 14.92, "readings: line 1: value 14.92, expected 14.91"),
        ("value", "14.91", "readings: line 1: value 14.91, expected 14.91"),
        ("unit", "ppb", "readings: missing line 1: NO2 in 'µg/m3'"),
        ("measured_at", "2026-03-25T00:05:00Z", "readings: not expected line 1: NO2"),
        ("status", "01", "readings: not expected line 1: NO2"),
    ],
)
def test_an_answer_that_differs_is_told(field: str, value: object, sentence: str) -> None:
    answer = json.loads(json.dumps(entry().expected))
    answer["readings"][0][field] = value
    assert any(line.startswith(sentence) for line in compare(entry().expected, answer))


def test_rejects_are_compared_by_line_and_reason_and_doubts_where_they_are_given() -> None:
    expected = ENTRIES["times"].expected
    assert compare(expected, {**expected, "rejects": expected["rejects"][1:]})
    free = [{"line": reject["line"], "reason": reject["reason"]} for reject in expected["rejects"]]
    without_doubts = {"readings": expected["readings"], "rejects": free}
    assert compare(expected, without_doubts) == []
    doubted = ENTRIES["status-unknown"].expected
    assert compare(doubted, {**doubted, "doubts": []})


def test_answers_that_are_missing_or_no_answers_are_told() -> None:
    row = json.dumps({"file": f"x/{entry().path}", **entry().expected})
    answer = run("-", content=row)
    assert answer.exit_code == 1
    assert f"1 of {len(CASES)} files" in answer.stdout
    assert "no answer" in answer.stdout
    for text, sentence in (
        ("nonsense", "line 1 of the answers is not as it should be"),
        ('{"file": "a/b"}', "line 1 of the answers has no 'readings'"),
        ('{"file": "a/b", "readings": [1], "rejects": []}', "lists of objects with a line"),
        ("[]", "line 1 of the answers is not as it should be"),
    ):
        assert sentence in run("-", content=text).stderr
