"""Files that only their owner can read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantrac.io.private_files import keep_files_private, make_private_folder, write_private


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_process_that_keeps_its_files_private_makes_no_other(tmp_path: Path) -> None:
    keep_files_private()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    assert (mode(tmp_path / "folder"), mode(tmp_path / "file")) == (0o700, 0o600)


def test_a_private_file_takes_neither_the_mode_nor_the_link_of_what_stood_there(tmp_path: Path) -> None:
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "secrets.json"
    elsewhere.write_text("untouched")
    file.symlink_to(elsewhere)
    (tmp_path / "secrets.json.new").write_text("of a start that was killed")
    write_private(file, "mật khẩu")
    assert (mode(file), file.is_symlink()) == (0o600, False)
    assert file.read_text(encoding="utf-8") == "mật khẩu"
    assert elsewhere.read_text() == "untouched"


def test_a_private_folder_is_tightened_where_it_exists(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "above" / "new")
    assert mode(tmp_path / "above" / "new") == 0o700
    make_private_folder(tmp_path / "above")
    assert mode(tmp_path / "above") == 0o700


def test_a_mounted_folder_of_another_owner_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "chmod", refuse)
    make_private_folder(tmp_path)
