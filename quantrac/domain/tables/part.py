"""Part of a table as the bytes of one raw file: what its columns hold, its header, and some of its rows.

The rows are the very bytes of the table, so that a reading can be traced to them, and a part is read again,
alone, as it was read first. The first line says which lines of the table the rows were.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from quantrac.domain.tables.layout import TableLayout

_BEGIN = b"#quantrac-table "
READINGS_IN_A_PART = 500
"""Cells of values in a part at most, but for one row: what it becomes must not keep the files of the present
waiting in the stages after the receiver."""


@dataclass(frozen=True, slots=True)
class Part:
    """``n`` rows of a table."""

    layout: TableLayout
    header: str
    rows: list[str]
    """(n,) without their line ends."""
    lines: list[int]
    """(n,) number of each row's line in the table, counted from 1."""


def write_part(layout: bytes, header: bytes, rows: Sequence[bytes], lines: Sequence[int]) -> bytes:
    """Return the bytes of a part.

    ``layout`` is :meth:`TableLayout.to_json` in UTF-8; ``header`` and ``rows`` have no line ends; ``lines``
    are the numbers of the rows in the table, rising.
    """
    runs = json.dumps(list(_runs(lines)), separators=(",", ":")).encode()
    begin = b'%b{"lines":%b,"layout":%b}' % (_BEGIN, runs, layout)
    return b"\n".join((begin, header, *rows, b""))


def is_part(content: bytes) -> bool:
    """Tell whether bytes begin as those of a part do."""
    return content.startswith(_BEGIN)


def read_part(content: bytes) -> Part | None:
    """Read the bytes of a part; ``None`` where they are none."""
    if not is_part(content):
        return None
    begin, *rest = content.decode(errors="replace").removesuffix("\n").split("\n")
    header, rows = rest[0] if rest else "", rest[1:]
    try:
        head = json.loads(begin[len(_BEGIN) :])
        lines = list(chain.from_iterable(range(first, first + count) for first, count in head["lines"]))
        layout = TableLayout.from_json(json.dumps(head["layout"]))
    except (ValueError, TypeError, KeyError):
        return None
    return Part(layout, header, rows, lines) if len(lines) == len(rows) else None


def find_row(content: bytes, line: int) -> str | None:
    """Return the row of a part that was a line of the table, ``None`` where it holds none of that number."""
    part = read_part(content)
    if part is None:
        return None
    rows = dict(zip(part.lines, part.rows, strict=True)) | {1: part.header}
    return rows.get(line)


def _runs(lines: Iterable[int]) -> Iterator[list[int]]:
    """Yield rising numbers as [first, count] of those that follow one another."""
    run: list[int] = []
    for line in lines:
        if run and line == run[0] + run[1]:
            run[1] += 1
        else:
            if run:
                yield run
            run = [line, 1]
    if run:
        yield run
