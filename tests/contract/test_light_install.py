"""What `pip install quantrac` brings along is enough for the commands that need nothing running.

They are run without every library that only an extra installs, as on the machine of a logger's vendor.
"""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

from quantrac.conformance.corpus import REGISTRY
from support.folders import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BLOCK = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from quantrac.cli import main
main(sys.argv[1:])
"""


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def with_what_they_need(names: set[str]) -> set[str]:
    """Return distributions and all that they require without an extra."""
    todo, needed = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        needed.add(name)
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:  # for another system
            continue
        todo += [name_of(requirement) for requirement in requirements if "extra ==" not in requirement]
    return needed


BASE = with_what_they_need({name_of(requirement) for requirement in PROJECT["dependencies"]})
BLOCKED = {
    module
    for module, names in packages_distributions().items()
    if not {name_of(name) for name in names} & (BASE | {"quantrac"})
}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = f"BLOCKED = {BLOCKED!r}\n{BLOCK}"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_neither_broker_nor_engine_nor_server_is_part_of_it() -> None:
    assert {"confluent_kafka", "chdb", "faust", "fastapi", "httpx", "clickhouse_connect"} <= BLOCKED
    assert not {"click", "numpy", "pydantic", "yaml", "msgspec", "tzdata"} & BLOCKED


def test_no_library_is_asked_for_twice() -> None:
    extras = PROJECT["optional-dependencies"]
    names = [name_of(line) for lines in (PROJECT["dependencies"], *extras.values()) for line in lines]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "arguments",
    [
        ("parse", "schemas/examples/raw-file.txt"),
        ("parse", "--strict", "--explain", "--registry", REGISTRY, "schemas/examples/raw-file.txt"),
        ("conformance",),
        ("limits", "list"),
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
def test_a_command_that_needs_nothing_running_needs_no_more(arguments: tuple[object, ...]) -> None:
    result = run(*arguments)
    assert "needs more than was installed" not in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout


def test_series_are_flagged_and_indices_computed_without_more(tmp_path: Path) -> None:
    series = tmp_path / "series.csv"
    series.write_text("time,value\n2026-03-25T00:00:00Z,12\n", encoding="utf-8")
    flagged = run("qa", series, "--parameter", "PM2.5", "--medium", "ambient-air")
    assert (flagged.returncode, flagged.stdout.splitlines()[1]) == (0, "2026-03-25T00:00:00Z,12,1,")
    hours = [f"2026-03-25T{hour:02}:00:00+07:00,30" for hour in range(24)]
    series.write_text("\n".join(["time,PM2.5", *hours, ""]), encoding="utf-8")
    indexed = run("index", "vn-aqi", series)
    assert (indexed.returncode, "VN_AQI" in indexed.stdout or "," in indexed.stdout) == (0, True)


def test_a_command_that_needs_more_says_so_in_a_sentence() -> None:
    result = run("keys", "list")
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(
        r"quantrac: this command needs more than was installed \(\w+\): pip install 'quantrac\[server\]'\n",
        result.stderr,
    )
