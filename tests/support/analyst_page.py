"""What docs/analyst.md has to try, and how analysts ask it."""

import json
import re
import shlex
from typing import Any

import httpx

from quantrac.io.settings import ClickHouseSettings
from support.folders import ROOT
from support.waiting import LIMIT

PAGE = ROOT / "docs" / "analyst.md"

STUCK = 6
"""The question that has rows only where an analyser was stuck."""
BOTH_TIERS = 14
"""The question whose login reads two databases: an analyst's on one machine does not."""


def questions() -> dict[int, str]:
    """Number -> SQL, the first block below each numbered heading."""
    parts = re.split(r"^### (\d+)\. .*$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    blocks = {}
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        block = re.search(r"```sql\n(.*?)```", text, flags=re.DOTALL)
        assert block, number
        blocks[int(number)] = block[1]
    return blocks


def rule_of_thumb() -> str:
    """Return the one query among the rules of thumb."""
    section = PAGE.read_text(encoding="utf-8").partition("## Rules of thumb")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sql\n(.*?)```", section, flags=re.DOTALL)
    return str(block)


def without_imports(question: str) -> str:
    """Return a question with what the page puts in place of ``readings_current`` to leave out history."""
    (readings,) = re.findall(r"`FROM (\(SELECT [^`]* imported = 0\))`", PAGE.read_text(encoding="utf-8"))
    return question.replace("readings_current", readings)


def spreadsheet_command() -> list[str]:
    """Return the arguments of the one command that fills a file for a spreadsheet."""
    page = PAGE.read_text(encoding="utf-8")
    (line,) = re.findall(r"^ +\$ quantrac (.*) > hours\.csv$", page, flags=re.MULTILINE)
    return shlex.split(line)


def ask(
    analyst: ClickHouseSettings, sql: str, output: str = "JSONCompactEachRow", **settings: str
) -> list[str]:
    """Ask as analysts do, with the login that only reads; returns the lines of a format of text."""
    answer = httpx.post(
        f"http://{analyst.host}:{analyst.port}/",
        params={"database": "hn", "default_format": output, **settings},
        content=sql,
        auth=(analyst.user, analyst.password),
        timeout=LIMIT,
    )
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


def ask_rows(analyst: ClickHouseSettings, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of an answer."""
    return [tuple(json.loads(line)) for line in ask(analyst, sql)]
