"""Sample files and what the parser makes of them.

Built after lines of real files; the decimal comma, UTF-16 and the faults have not been seen in the wild.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quantrac.cli.parse import to_json
from quantrac.domain.parsing import FORMATS, parse_file

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".txt", ".lsi"})
RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_file_gives_its_golden_result(path: Path) -> None:
    golden = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))

    assert to_json(parse_file(path.read_bytes(), path.name, None, RECEIVED)) == golden


def test_every_format_has_a_sample_file() -> None:
    shown = {parse_file(path.read_bytes(), path.name, None, RECEIVED).format for path in FILES}

    assert {known.name for known in FORMATS} <= shown


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_the_sample_line_of_a_format_is_read_by_that_format(known) -> None:
    parsed = parse_file(known.sample.encode() + b"\r\n", "a.txt", None, RECEIVED)

    assert parsed.format == known.name
    assert [(reading.parameter, reading.value) for reading in parsed.readings] == [("PM2.5", 27.81)]
