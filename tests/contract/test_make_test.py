"""`make test`: its last lines name the slowest tests and what failed first, of both lanes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.durations import DURATIONS, note_duration
from support.failures import FAILURES
from support.waiting import LIMIT

ROOT = Path(__file__).parents[2]

# Stands for pytest: says what it was given, and fails at once where a file holds the failure of that lane.
LANE = """#!/bin/sh
echo "pytest $*"
case "$*" in
  *tests/unit*) lane=beside ;;
  *--ignore-glob*) lane=front ;;
  *) exit 0 ;;
esac
cat $lane.seconds >>$QUANTRAC_TEST_DURATIONS
cat $lane >>$QUANTRAC_TEST_FAILURES && exit 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, whose tools do nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", "quantrac/local/kafka-4.2.0.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("ruff", "mypy", "lint-imports", "python", "pytest"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    (tmp_path / ".venv" / ".complete").touch()
    return tmp_path


def run_make_test(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "test"], cwd=project, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def test_the_last_lines_name_the_slowest_tests_of_both_lanes_and_the_first_that_failed(project: Path) -> None:
    (project / ".venv/bin/pytest").write_text(LANE)
    (project / "beside").write_text("2000\ttests/unit/test_a.py::test_a: assert 1 == 2\n")
    (project / "front").write_text("3000\ttests/b.py::test_c: late\n1000\ttests/b.py::test_b: 100% lost\n")
    for lane, first in (("beside", 1), ("front", 2)):
        seconds = [f"{n}.50 s call tests/x.py::test_{n}\n" for n in range(first, 41, 2)]
        (project / f"{lane}.seconds").write_text("".join(seconds))
    run = run_make_test(project)
    assert run.returncode != 0
    lines = run.stdout.splitlines()
    assert lines[-22:-1] == [
        "slowest twenty:",
        *(f"{n}.50 s call tests/x.py::test_{n}" for n in range(40, 20, -1)),
    ]
    assert lines[-1] == "first failure: tests/b.py::test_b: 100% lost"
    assert sum(line.startswith("pytest ") for line in lines) == 4


def test_where_nothing_failed_no_line_is_added(project: Path) -> None:
    run = run_make_test(project)
    assert (run.returncode, run.stdout) == (0, "")


def test_a_failing_test_a_broken_fixture_and_a_file_that_cannot_be_read_are_noted_with_a_line_each(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(
        "from support.failures import note_failure\n"
        "def pytest_runtest_logreport(report): note_failure(report)\n"
        "def pytest_collectreport(report): note_failure(report)\n"
    )
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert [1] == [2], 'two\\nlines'\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError('no broker')\n"
        "def test_of_it(broken): pass\n"
    )
    (tmp_path / "test_b.py").write_text("import nothing_of_this_name\n")
    failures = tmp_path / "failures"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", "-c", os.devnull, "."],
        cwd=tmp_path,
        env=os.environ | {FAILURES: str(failures), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        check=False,
    )
    times, lines = zip(*(line.split("\t") for line in failures.read_text().splitlines()), strict=True)
    assert list(times) == sorted(times)
    assert [line.partition("test_")[2] for line in lines] == [
        "b.py: E   ModuleNotFoundError: No module named 'nothing_of_this_name'",
        "a.py::test_bad: AssertionError: two",
        "a.py::test_of_it: OSError: no broker",
    ]


def test_a_phase_that_took_long_is_noted_with_its_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durations = tmp_path / "durations"
    monkeypatch.setenv(DURATIONS, str(durations))
    for phase, seconds in (("setup", 12.345), ("call", 0.4)):
        place = ("tests/a.py", 1, "test_a")
        note_duration(
            pytest.TestReport("tests/a.py::test_a", place, {}, "passed", None, phase, duration=seconds)
        )  # type: ignore[arg-type]
    assert durations.read_text() == "12.35 s setup tests/a.py::test_a\n"
