"""Which files of a watched folder were processed."""

from pathlib import Path

from services.receiver.adapters.folder.processed_files import ProcessedFiles
from services.receiver.adapters.folder.stable_files import FileState

FILE, OTHER_FILE = Path("/theirs/bkhn/a.txt"), Path("/theirs/bkhn/a.tmp")
UNCHANGED = FileState(device=1, inode=7, size=100, mtime_ns=5)
GROWN = FileState(device=1, inode=7, size=200, mtime_ns=6)


def test_a_processed_file_is_known_in_its_state_over_a_restart(tmp_path: Path) -> None:
    processed = ProcessedFiles(tmp_path / "processed.sqlite")
    processed.add(FILE, UNCHANGED)
    processed.close()
    reopened = ProcessedFiles(tmp_path / "processed.sqlite")
    assert reopened.contains(FILE, UNCHANGED)
    assert not reopened.contains(FILE, GROWN)
    assert not reopened.contains(OTHER_FILE, UNCHANGED)
    reopened.close()


def test_files_that_no_longer_exist_are_forgotten_whatever_their_names_are(tmp_path: Path) -> None:
    processed, odd = ProcessedFiles(tmp_path / "processed.sqlite"), Path("/theirs/bkhn/\udcff.txt")
    for path in (FILE, odd):
        processed.add(path, UNCHANGED)
    processed.retain([odd])
    assert (processed.contains(FILE, UNCHANGED), processed.contains(odd, UNCHANGED)) == (False, True)
    processed.close()
