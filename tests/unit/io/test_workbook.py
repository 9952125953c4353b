"""Cells of a spreadsheet as texts."""

import zipfile

import pytest

from quantrac.io.workbook import WorkbookError, read_sheet

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def workbook(path, rows, *, shared=(), styles="", properties=""):
    """A workbook of one sheet; ``rows`` is the inside of its sheetData."""
    texts = "".join(f"<si><t>{text}</t></si>" for text in shared)
    members = {
        "xl/workbook.xml": f'<workbook {_MAIN} {_RELATIONS}>{properties}<sheets><sheet name="A" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="x"><Relationship Id="rId1" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}><sheetData>{rows}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{texts}</sst>",
        "xl/styles.xml": f"<styleSheet {_MAIN}>{styles}</styleSheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_cells_become_texts_in_their_columns(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx",
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>CO</t></is></c></row>'
        '<row r="3"><c r="B3"><v>23.934999999999999</v></c><c r="C3"><v>7</v></c>'
        '<c r="D3" t="str"><v>x</v></c></row>',
        shared=["Thời gian"],
    )
    assert list(read_sheet(path)) == [["Thời gian", "", "CO"], [], ["", "23.935", "7", "x"]]


@pytest.mark.parametrize(
    ("properties", "shown"),
    [("", "2025-01-01T14:00:00"), ('<workbookPr date1904="1"/>', "2029-01-02T14:00:00")],
)
def test_a_date_is_told_by_its_format(tmp_path, properties, shown):
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="hh:mm dd/mm/yyyy"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
    )
    rows = '<row r="1"><c r="A1" s="1"><v>45658.583333333336</v></c><c r="B1" s="0"><v>45658</v></c></row>'
    path = workbook(tmp_path / "a.xlsx", rows, styles=styles, properties=properties)
    assert list(read_sheet(path)) == [[shown, "45658"]]


@pytest.mark.parametrize("rows", ["<row", '<row r="1"><c r="A1" t="s"><v>5</v></c></row>', '<row r="x"/>'])
def test_what_is_no_workbook_is_refused(tmp_path, rows):
    with pytest.raises(WorkbookError, match="no workbook"):
        list(read_sheet(workbook(tmp_path / "a.xlsx", rows)))
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04rubbish")
    with pytest.raises(WorkbookError):
        list(read_sheet(tmp_path / "b.xlsx"))
