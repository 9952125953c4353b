"""The corpus as data: read it, hold an answer against it, write it out as plain files."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isclose
from pathlib import Path
from typing import Any

from quantrac.conformance.cases import CASES, RECEIVED_AT
from quantrac.domain.inspection.doubts import find_doubts
from quantrac.domain.inspection.file import inspect_file
from quantrac.domain.inspection.json_form import to_strict_json
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import to_iso
from quantrac.domain.written_times import read_iso
from quantrac.errors import UserError
from schemas.registry import load_directory, to_registry
from schemas.rules import RuleBook, load

FOLDER = Path(__file__).parent
DATA, REGISTRY = FOLDER / "corpus.jsonl", FOLDER / "registry"
_COMPARED = ("line", "parameter", "unit", "measured_at", "status", "qualifier")
"""Fields of a reading that another parser must give, beside the value."""
_CLOSE = 1e-9
"""Greatest relative difference of two values that are one number."""

Answer = Mapping[str, Any]
"""What was read of a file, as ``quantrac parse --json`` prints it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the corpus."""

    name: str
    about: str
    file: str
    """Name as it is sent."""
    content: str
    """Its bytes in base64."""
    received_at: str
    """UTC, ISO 8601."""
    expected: dict[str, Any]
    """As ``quantrac parse --json --strict`` prints it."""

    @property
    def path(self) -> str:
        """Where it lies below the folder of exported files."""
        return f"{self.name}/{self.file}"


def load_corpus() -> list[Entry]:
    """Return the corpus that comes with this version."""
    return [Entry(**json.loads(line)) for line in DATA.read_text(encoding="utf-8").splitlines()]


class Reader:
    """Reads files as this version does, by the registry of the corpus and the national rules."""

    def __init__(self) -> None:
        self._registry: Registry = to_registry(load_directory(REGISTRY))
        self._stations = list(self._registry.stations.values())
        self._book = RuleBook(load())

    def read(self, content: bytes, file: str, received_at: datetime, folder: str) -> dict[str, Any]:
        """Return what is read of a file and what speaks against it."""
        inspected = inspect_file(content, file, received_at, self._stations, folder)
        doubts = find_doubts(inspected, self._registry, self._book)
        return json.loads(json.dumps(to_strict_json(inspected, doubts)))  # type: ignore[no-any-return]

    def read_entry(self, entry: Entry) -> dict[str, Any]:
        """Return the answer of this version to a file of the corpus."""
        return self.read(b64decode(entry.content), entry.file, read_iso(entry.received_at), entry.name)


def build_corpus() -> Iterator[Entry]:
    """Yield the corpus that follows from the cases and this version."""
    reader = Reader()
    for case in CASES:
        expected = reader.read(case.content, case.file, RECEIVED_AT, case.name)
        content = b64encode(case.content).decode()
        yield Entry(case.name, case.about, case.file, content, to_iso(RECEIVED_AT), expected)


def format_corpus(entries: Iterable[Entry]) -> str:
    """Write entries as JSON lines."""
    return "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)


def export_corpus(folder: Path) -> int:
    """Write files, registry and manifest into a folder; returns how many files.

    The manifest has one JSON object a line: ``name``, ``about``, ``path`` below the folder, ``received_at``
    and ``expected``. Raises UserError where the folder holds anything already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty")
    entries = load_corpus()
    lines = []
    for entry in entries:
        path = folder / "files" / entry.path
        path.parent.mkdir(parents=True)
        path.write_bytes(b64decode(entry.content))
        facts: dict[str, Any] = {"name": entry.name, "about": entry.about, "path": f"files/{entry.path}"}
        facts |= {"received_at": entry.received_at, "expected": entry.expected}
        lines.append(json.dumps(facts, ensure_ascii=False) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "registry").mkdir()
    for file in REGISTRY.glob("*.yaml"):
        (folder / "registry" / file.name).write_bytes(file.read_bytes())
    return len(entries)


def read_answers(lines: Iterable[str]) -> dict[str, Answer]:
    """Read the answers of another parser, one JSON object a line, by the path of their file.

    Of ``file`` the folder and the name count. Raises UserError that names the line.
    """
    answers: dict[str, Answer] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = json.loads(line)
            path = str(answer["file"]).replace("\\", "/")
            parts = (answer["readings"], answer["rejects"], answer.get("doubts", []))
            if not all(isinstance(row, dict) and "line" in row for part in parts for row in part):
                raise TypeError("readings, rejects and doubts are lists of objects with a line")
        except KeyError as error:
            raise UserError(f"line {number} of the answers has no {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"line {number} of the answers is not as it should be: {error}") from error
        answers["/".join(path.split("/")[-2:])] = answer
    return answers


def compare(expected: Answer, answer: Answer) -> list[str]:
    """Return in what an answer differs, a sentence each; texts, details and the name of the format are free.

    Doubts are compared only where the answer has some list of them.
    """
    differences: list[str] = []
    for part, describe in (("readings", _describe_reading), ("rejects", _describe_reject)):
        differences += _compare_lines(part, map(describe, expected[part]), map(describe, answer[part]))
    if not differences:
        differences += _compare_values(expected["readings"], answer["readings"])
    if "doubts" in answer:
        doubts = (map(_describe_doubt, source["doubts"]) for source in (expected, answer))
        differences += _compare_lines("doubts", *doubts)
    return differences


def _describe_reading(reading: Answer) -> str:
    facts = (str(reading.get(field, "")) for field in _COMPARED)
    return "line {}: {} in {!r} at {}, status {}, qualifier {!r}".format(*facts)


def _describe_reject(reject: Answer) -> str:
    return f"line {reject['line']}: {reject.get('reason', '')}"


def _describe_doubt(doubt: Answer) -> str:
    return f"line {doubt['line']}: {doubt.get('code', '')}"


def _compare_lines(part: str, expected: Iterable[str], answer: Iterable[str]) -> Iterator[str]:
    rows, answered = list(expected), list(answer)
    yield from (f"{part}: missing {row}" for row in rows if row not in answered)
    yield from (f"{part}: not expected {row}" for row in answered if row not in rows)
    if len(rows) != len(answered):
        yield f"{part}: {len(answered)}, expected {len(rows)}"


def _compare_values(expected: Iterable[Answer], answer: Iterable[Answer]) -> Iterator[str]:
    for row, answered in zip(
        *(sorted(rows, key=_describe_reading) for rows in (expected, answer)), strict=True
    ):
        value = answered.get("value")
        if not isinstance(value, int | float) or not isclose(value, row["value"], rel_tol=_CLOSE):
            yield f"readings: line {row['line']}: value {value}, expected {row['value']}"
