"""The way of a reading back to its line."""

import pytest

from services.api.lineage.file_line import find_line


@pytest.mark.parametrize(
    ("content", "number", "text"),
    [
        (b"a\r\nb\rc\nd", 4, "d"),
        (b"\xef\xbb\xbfa\n", 1, "a"),
        (b"a\n", 2, ""),
        (b"a\n", 3, None),
        (b"a\n", 0, None),
        (b"\x02a\x03\n\x1a", 1, "a"),
        (b"\x00\x01\x02", 1, ""),
    ],
)
def test_lines_are_counted_as_the_parser_counts_them(content: bytes, number: int, text: str | None) -> None:
    assert find_line(content, number) == text
