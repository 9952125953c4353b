"""Workbooks as files: what goes in comes out, and what is none is refused."""

import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from quantrac.domain.written_times import read_written
from quantrac.io import workbooks
from quantrac.io.workbooks import Cell, WorkbookError, read_first_sheet, read_workbook, write_workbook

NOON = read_written("2026-03-25 12:00")
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass
class Sheet:
    rows: Sequence[Sequence[Cell]]
    name: str = "stations"
    titles: Sequence[str] = ("code", "type")
    notes: Sequence[str] = ("Its code.", "Its type.")
    choices: Sequence[Sequence[str]] = field(default_factory=lambda: [[], ["a", "b"]])


def round_trip(folder: Path, *rows: Sequence[Cell]) -> list[list[Cell]]:
    write_workbook(folder / "a.xlsx", [Sheet(rows)])
    return read_workbook(folder / "a.xlsx")["stations"][2:]


@pytest.mark.parametrize(
    "cell",
    ["01", "NO", "=1+1", "-x", "2026-01-01", " a ", "a\nb", "Trạm số 1", "_x000D_", "TRUE",
     "#REF!x", 7, 21.0052, 1e-17, True, False, NOON, "x" * 32_767],
)  # fmt: skip
def test_a_cell_comes_back_as_it_was(tmp_path: Path, cell: Cell) -> None:
    ((found,),) = round_trip(tmp_path, [cell])
    assert (found, type(found)) == (cell, type(cell))


def test_empty_cells_and_rows_keep_their_places(tmp_path: Path) -> None:
    assert round_trip(tmp_path, [None, 1], [], [None, None, "c"]) == [[None, 1], [], [None, None, "c"]]


def test_titles_and_explanations_stand_above_and_texts_are_formatted_as_text(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", [Sheet([["HN_A"]])])
    assert read_workbook(tmp_path / "a.xlsx")["stations"][:2] == [
        ["code", "type"],
        ["Its code.", "Its type."],
    ]
    sheet = load_workbook(tmp_path / "a.xlsx")["stations"]
    assert (sheet["A3"].number_format, sheet.freeze_panes) == ("@", "B3")
    (offered,) = sheet.data_validations.dataValidation
    assert offered.formula1 == '"a,b"'


def test_a_formula_counts_as_what_was_last_shown(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.worksheets[0]["A1"] = "=1+1"
    workbook.save(tmp_path / "a.xlsx")
    assert read_workbook(tmp_path / "a.xlsx") == {"Sheet": [[]]}  # no spreadsheet has computed it


@pytest.mark.parametrize("content", [b"", b"code,type\n", b"PK\x03\x04"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(WorkbookError, match="no workbook"):
        read_workbook(tmp_path / "a.xlsx")


def test_an_archive_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(WorkbookError, match="cannot be read as a workbook"):
        read_workbook(tmp_path / "a.xlsx")


def test_what_unpacks_to_more_than_a_registry_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (2 << 20))
    with pytest.raises(WorkbookError, match="it is larger than 1 MiB"):
        read_workbook(tmp_path / "a.xlsx")


@pytest.mark.parametrize("text", ["a\x00b", "\x0b", "a\r\nb", "x" * 32_768])
def test_a_text_that_no_workbook_can_keep_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(WorkbookError):
        write_workbook(tmp_path / "a.xlsx", [Sheet([[text]])])
    assert not (tmp_path / "a.xlsx").exists()


def test_a_new_file_is_its_users_own_and_replaces_none(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", [Sheet([])])
    assert stat.S_IMODE((tmp_path / "a.xlsx").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_workbook(tmp_path / "a.xlsx", [Sheet([])])


def test_times_without_a_date_come_as_texts(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.worksheets[0].append([datetime(2026, 3, 25, 12).time(), NOON.date()])  # noqa: DTZ001
    workbook.save(tmp_path / "a.xlsx")
    midnight = read_written("2026-03-25")
    assert read_workbook(tmp_path / "a.xlsx") == {"Sheet": [["12:00:00", midnight]]}


def write_parts(path: Path, rows: str, *, styles: str = "", properties: str = "") -> Path:
    """A workbook as some program may write it; ``rows`` is the inside of its sheet."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
            f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/></Types>',
            "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_RELATIONS}">{properties}'
            '<sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": "<Relationships "
            'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}>{rows}</worksheet>",
            "xl/sharedStrings.xml": f"<sst {_MAIN}><si><t>Thời gian</t></si></sst>",
            "xl/styles.xml": f"<styleSheet {_MAIN}>{styles}</styleSheet>",
        }.items():
            archive.writestr(name, text)
    return path


def test_the_first_sheet_comes_row_by_row_whatever_size_the_file_claims(tmp_path: Path) -> None:
    rows = (
        '<dimension ref="A1"/><sheetData>'
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>CO</t></is></c></row>'
        '<row r="3"><c r="B3"><v>23.934999999999999</v></c><c r="C3"><v>7</v></c>'
        '<c r="D3" t="str"><v>x</v></c></row></sheetData>'
    )
    sheet = read_first_sheet(write_parts(tmp_path / "a.xlsx", rows))
    assert list(sheet) == [["Thời gian", None, "CO"], [], [None, 23.935, 7, "x"]]


@pytest.mark.parametrize(
    ("properties", "shown"),
    [("", "2025-01-01T14:00:00"), ('<workbookPr date1904="1"/>', "2029-01-02T14:00:00")],
)
def test_a_date_is_a_number_with_the_format_of_one(tmp_path: Path, properties: str, shown: str) -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="hh:mm dd/mm/yyyy"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
    )
    rows = (
        '<sheetData><row r="1"><c r="A1" s="1"><v>45658.58333</v></c>'
        '<c r="B1" s="0"><v>45658</v></c></row></sheetData>'
    )
    path = write_parts(tmp_path / "a.xlsx", rows, styles=styles, properties=properties)
    assert list(read_first_sheet(path)) == [[read_written(shown), 45658]]


@pytest.mark.parametrize(
    "rows",
    [
        "<sheetData><row",
        '<sheetData><row r="1"><c r="A1" t="s"><v>5</v></c></row></sheetData>',
        '<sheetData><row r="x"/></sheetData>',
        '<sheetData><row r="1"><c r="A1"><v>5x</v></c></row></sheetData>',
    ],
)
def test_a_broken_sheet_is_refused_in_a_sentence(tmp_path: Path, rows: str) -> None:
    path = write_parts(tmp_path / "a.xlsx", rows)
    with pytest.raises(WorkbookError, match=r"^it cannot be read as a workbook: [^\n]+$"):
        list(read_first_sheet(path))
    with pytest.raises(WorkbookError):
        read_workbook(path)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("<sheetData/>" + " " * (8 << 20), "it unpacks to over 100 times its size"),
        ('<sheetData><row r="2000000000"/></sheetData>', "the sheet A is larger than any table"),
        (
            "<sheetData><row>" + '<c t="s"><v>0</v></c>' * 20 + "</row></sheetData>",
            "the sheet A is larger than any table",
        ),
        (
            '<sheetData><row><c r="ZZZ1"><v>1</v></c></row></sheetData>',
            "the sheet A is larger than any table",
        ),
    ],
)
def test_what_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, sentence: str
) -> None:
    monkeypatch.setattr(workbooks, "_MOST_ROOM", 150)
    with pytest.raises(WorkbookError, match=sentence):
        list(read_first_sheet(write_parts(tmp_path / "a.xlsx", rows)))
