"""The glossary: every term once, and none of the words it has retired is still used."""

import re

import pytest

from support.folders import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS_PART, RETIRED_PART = PAGE.split("## Retired words")
CELLS = re.compile(r"^\| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
TERMS = [cells for cells in CELLS.findall(TERMS_PART) if cells[0] not in ("term", "---")]
RETIRED = [
    word
    for words, _ in CELLS.findall(RETIRED_PART)
    if words not in ("retired", "---")
    for word in words.split(", ")
]
TEXTS = {".py", ".md", ".sql", ".yaml", ".json", ".txt", ".html"}
USERS = [
    file
    for folder in ("quantrac", "schemas", "services", "docs", "k8s", "benchmarks", "examples")
    for file in sorted((ROOT / folder).rglob("*"))
    if file.suffix in TEXTS and file.name != "glossary.md"
] + sorted(ROOT.glob("*.md"))


def test_a_term_is_defined_once_and_in_a_sentence() -> None:
    names = [name for name, _ in TERMS]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))
    assert [name for name, meaning in TERMS if not meaning.endswith(".")] == []


@pytest.mark.parametrize("word", RETIRED)
def test_a_retired_word_is_used_nowhere(word: str) -> None:
    pattern = re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE)
    uses = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in USERS
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert uses == []


def test_the_pages_that_newcomers_read_link_to_it() -> None:
    for page in ("README.md", "docs/architecture.md", "CONTRIBUTING.md"):
        assert "glossary.md" in (ROOT / page).read_text(encoding="utf-8"), page
