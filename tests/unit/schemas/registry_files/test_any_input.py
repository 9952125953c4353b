"""Whatever stands in a registry's file or workbook gives records or mistakes with a place, never a trace."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.territory import VIETNAM
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry_files.fields import fields_by_name
from schemas.registry_files.folder import read_files
from schemas.registry_files.judge import judge
from schemas.registry_files.sheets.layout import SHEETS
from schemas.registry_files.sheets.read import read_sheets
from support.effort import examples

WORDS = [
    "NO", "01", "12:30", "1_000", ".nan", ".inf", "2026-02-30", "2026-01-01", "0001-01-01", "~", "x", "37",
    "PM2.5", "PM25", "µg/m3", "-1", "1e400", "stack", "{}", "[]", "[[]]", "{a: {b: c}}", "[x, {code: y}]",
    "*p", "&p x", "!!binary x", "'", '"', ": ", "[{code: SO2, unit: mg/m3}]", "[{start: 2026-01-01}]",
    "[{standard: 'QCVN 40:2011/BTNMT', coefficients: {Kq: yes, 1: 2}, limits: [{parameter: COD}]}]",
]  # fmt: skip
KEYS = [*fields_by_name(Station), *fields_by_name(Account), "<<", "unknown", "2026"]
lines = st.tuples(st.sampled_from(KEYS), st.sampled_from(WORDS)).map(": ".join)
documents = st.lists(
    st.tuples(st.sampled_from(["stations", "accounts"]), st.lists(lines, max_size=8)), max_size=2
).map(
    lambda lists: "".join(
        f"{key}:\n  - name: &p {number}\n" + "".join(f"    {line}\n" for line in entry)
        for number, (key, entry) in enumerate(lists)
    )
)
cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.datetimes(), st.sampled_from(WORDS)
)


@settings(max_examples=examples(150), deadline=None)
@given(documents)
def test_any_document_is_read_or_refused_with_its_line(text: str) -> None:
    reading = read_files([("a.yaml", text.encode())], VIETNAM)
    for finding in (*reading.mistakes, *reading.remarks):
        assert re.match(r"a\.yaml, line \d+: ", str(finding))
        assert "\n" not in str(finding)


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_any_cells_are_read_or_refused_with_their_place(data: st.DataObject) -> None:
    tables = {}
    for sheet in SHEETS:
        titles = [*sheet.references, *(column.title for column in sheet.columns)]
        row = st.lists(cells, min_size=len(titles), max_size=len(titles))
        tables[sheet.name] = [titles, *data.draw(st.lists(row, max_size=2))]
    reading = judge(*read_sheets("a.xlsx", tables), VIETNAM)
    for finding in (*reading.mistakes, *reading.remarks):
        assert re.match(r"a\.xlsx, cell [\w.]+![A-Z]+\d+: ", str(finding))
