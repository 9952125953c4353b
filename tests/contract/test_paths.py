"""Every path that a page names is there."""

import re
from pathlib import Path

import pytest

from support.folders import ROOT

PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "services").rglob("*.md")})
PATH = re.compile(r"`((?:quantrac|schemas|services|docs|tests|benchmarks|examples|tools)/[\w/.*-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    paths = set(PATH.findall(page.read_text(encoding="utf-8")))
    assert [
        path for path in sorted(paths) if "NAME" not in path and not any(ROOT.glob(path.rstrip("/")))
    ] == []
