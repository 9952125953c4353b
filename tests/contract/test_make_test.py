"""`make test`: its workers share the tests, and its last lines name the slowest and what failed first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.waiting import LIMIT

ROOT = Path(__file__).parents[2]
OPTIONS = ["-m", "not chaos", "--numprocesses", "3", "--no-loadscope-reorder", "--durations", "20"]
"""Of pytest in `make test`."""
MODE = ["--import-mode=importlib"]


def test_make_test_gives_the_tests_to_workers_who_keep_no_one_from_bytecode(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", "quantrac/local/kafka-4.2.0.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("ruff", "mypy", "lint-imports", "python"):
        (tools / name).write_text("#!/bin/sh\n")
    (tools / "pytest").write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" "${PYTHONDONTWRITEBYTECODE-kept}"\nexit 3\n'
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / ".venv" / ".complete").touch()
    run = subprocess.run(
        ["make", "--silent", "test"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert run.stdout.splitlines() == [*OPTIONS, "tests", "kept"]
    assert run.returncode != 0


CONFTEST = """
import os
from pathlib import Path
import pytest
from support.failures import write_first_failure
from support.workers import FileScheduling, pytest_runtest_makereport
def pytest_xdist_make_scheduler(config, log): return FileScheduling(config, log)
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    yield
    write_first_failure(session)
def pytest_runtest_logreport(report):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and report.when == "call":
        with Path(f"{worker}.ran").open("a") as ran: ran.write(report.nodeid + "\\n")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with tests of the whole stack in two files, and one of others."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name, test in {
        "tests/e2e/test_a.py": "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n",
        "tests/e2e/test_b.py": "def test_d(): pass\ndef test_e(): pass\ndef test_f(): pass\n",
        "tests/unit/test_a.py": "import time\ndef test_a(): time.sleep(0.2)\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(test)
    return tmp_path


def run_pytest(project: Path) -> list[str]:
    # This process may be a worker itself.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", *MODE, *OPTIONS, "tests"],
        cwd=project,
        env=outside | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return run.stdout.splitlines()


def test_one_worker_has_all_tests_of_the_whole_stack(project: Path) -> None:
    run_pytest(project)
    ran = [file.read_text().splitlines() for file in project.glob("*.ran")]
    (of_stack,) = (tests for tests in ran if any("e2e" in test for test in tests))
    assert sum("e2e" in test for test in of_stack) == 6
    assert sum(map(len, ran)) == 7


def test_the_slowest_tests_and_the_first_failure_of_all_workers_are_named(project: Path) -> None:
    (project / "tests/unit/test_late.py").write_text(
        "import time, pytest\n"
        "def test_late(): time.sleep(1); assert [1] == [2], 'late'\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError('no broker')\n"
        "def test_of_it(broken): pass\n"
    )
    (project / "tests/e2e/test_a.py").write_text("def test_a(): assert [1] == [2], 'two\\nlines'\n")
    lines = run_pytest(project)
    assert any("slowest 20 durations" in line for line in lines)
    assert any("1.0" in line and "call     tests/unit/test_late.py::test_late" in line for line in lines)
    assert lines[-1] == "first failure: tests/e2e/test_a.py::test_a: AssertionError: two"


def test_a_file_that_cannot_be_read_is_the_first_failure(project: Path) -> None:
    (project / "tests/unit/test_bad.py").write_text("import nothing_of_this_name\n")
    sentence = "tests/unit/test_bad.py: E   ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert run_pytest(project)[-1] == f"first failure: {sentence}"


def test_what_a_test_prints_is_sent_by_its_worker_whatever_it_is(project: Path) -> None:
    (project / "tests/unit/test_a.py").write_text(
        "def test_print(): print('\\udc80')\ndef test_compare(): assert '\\ud800' == 'a'\n"
    )
    output = "\n".join(run_pytest(project))
    assert "INTERNALERROR" not in output and "1 failed, 7 passed" in output
