"""``python -m docs.limits_page``: write the tables of docs/limits.md from the standards' files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.limits import Row, Standard
from quantrac.domain.times import VIETNAM
from schemas.limits import load_national
from schemas.limits.replacements import UNREAD

PAGE = Path(__file__).parent / "limits.md"
BEGIN, END = "<!-- standards: written by `make docs` -->", "<!-- /standards -->"

_WORDS = {"hour": "1 h", "8h": "8 h", "day": "24 h", "month": "month", "year": "year"}


def generated() -> str:
    """Return what the page should be; raises ValueError where it has lost its markers."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name}: the markers {BEGIN} and {END} are gone")
    standards = load_national().standards.values()
    read = [standard for standard in standards if standard.note != UNREAD]
    sections = [_section(standard) for standard in read]
    sections.append(_unread([standard for standard in standards if standard.note == UNREAD]))
    return "\n\n".join([before + BEGIN, *sections, END + after])


def _unread(standards: Sequence[Standard]) -> str:
    """Write the standards of which no value was read, in one table."""
    rows = [
        (standard.name, f"{standard.title} ({standard.title_vi})", standard.replaced_by, _ends(standard))
        for standard in standards
    ]
    head = ("standard", "for", "replaced by", "until")
    return f"### Replaced standards without values here\n\n{UNREAD}\n\n{_table(head, rows)}"


def _ends(standard: Standard) -> str:
    """Write when a standard ends: of facilities that are new, and of those that existed."""
    ends = (standard.valid_to, standard.transition and standard.transition.until)
    return ", existing facilities ".join(f"{at.astimezone(VIETNAM):%Y-%m-%d}" for at in ends if at)


def _section(standard: Standard) -> str:
    holds = []
    if standard.valid_from:
        holds.append(f"from {standard.valid_from.astimezone(VIETNAM):%Y-%m-%d}")
    if standard.valid_to:
        holds.append(f"until {standard.valid_to.astimezone(VIETNAM):%Y-%m-%d}")
    media = ", ".join(sorted(standard.media))
    text = [f"### {standard.name}", f"{standard.title} ({standard.title_vi}): {media}, {' '.join(holds)}."]
    if standard.replaced_by:
        text[-1] += f" Replaced by {standard.replaced_by}."
    if standard.transition:
        until = f"{standard.transition.until.astimezone(VIETNAM):%Y-%m-%d}"
        text[-1] += (
            f" For facilities that existed or had a licence before its end it goes on until {until}"
            f" ({standard.transition.certainty}; {standard.transition.source})."
        )
    text.append(f"Source: {standard.source} ({standard.certainty}).")
    if standard.period_source:
        text[-1] += f" The averaging period is {standard.period_source}."
    text += [standard.note] if standard.note else []
    for name, choices in (("Column", standard.columns), ("Category", standard.categories)):
        if choices:
            text.append(_table([name, "for"], choices))
    for each in standard.coefficients:
        without = f", not for {', '.join(sorted(each.not_for))}" if each.not_for else ""
        rows = [(shortest_decimal(value), when) for value, when in each.values]
        text.append(f"{each.name}, by the {each.about}{without} ({each.certainty}; {each.source}):")
        text.append(_table([each.name, "where"], rows))
    if standard.rows:
        text.append(_values(standard))
    return "\n\n".join(text)


def _values(standard: Standard) -> str:
    """Write the rows, a line for each parameter and a cell for each column."""
    columns = [name for name, _ in standard.columns] or [""]
    lines: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for row in standard.rows:
        key = (row.parameter, row.unit, _WORDS[row.period], row.category, _dates(row))
        for column in columns if row.column == "" else [row.column]:
            mark = "" if row.certainty == standard.certainty else f" ({row.certainty})"
            lines[key][column] = _bounds(row) + mark
    oxygen = any(row.reference_oxygen for row in standard.rows)
    table = [[*key, *(cells.get(column, "") for column in columns)] for key, cells in lines.items()]
    head = ["parameter", "unit", "mean", "category", "dates", *(each or "limit" for each in columns)]
    kept = [place for place in range(len(head)) if any(line[place] for line in table)]
    shown = _table([head[place] for place in kept], [[line[place] for place in kept] for line in table])
    return shown + ("\n\n`@` is the reference oxygen in volume percent." if oxygen else "")


def _bounds(row: Row) -> str:
    low, high = (None if each is None else shortest_decimal(each) for each in (row.minimum, row.maximum))
    text = f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return text if row.reference_oxygen is None else f"{text} @ {shortest_decimal(row.reference_oxygen)}"


def _dates(row: Row) -> str:
    parts = (("from", row.valid_from), ("until", row.valid_to))
    return " ".join(f"{word} {at.astimezone(VIETNAM):%Y-%m-%d}" for word, at in parts if at)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def lines() -> Iterator[Sequence[str]]:
        yield head
        yield ["---"] * len(head)
        yield from rows

    return "\n".join(f"| {' | '.join(line)} |" for line in lines())


if __name__ == "__main__":
    PAGE.write_text(generated(), encoding="utf-8")
