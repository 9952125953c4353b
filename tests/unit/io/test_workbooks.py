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
from quantrac.io.workbooks import Cell, WorkbookError, read_workbook, write_workbook

NOON = read_written("2026-03-25 12:00")


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
