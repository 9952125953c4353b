"""When a file in a watched folder is complete."""

from pathlib import Path

from services.receiver.adapters.folder.stable_files import FileState, StableFiles

FILE, TEMPORARY = Path("/theirs/bkhn/a.txt"), Path("/theirs/bkhn/a.tmp")
UNCHANGED = FileState(device=1, inode=7, size=100, mtime_ns=5)
GROWN = FileState(device=1, inode=7, size=200, mtime_ns=6)


def stable_files() -> StableFiles:
    return StableFiles(10.0, lambda name: name.endswith(".tmp"))


def test_a_file_is_due_after_its_rest_and_not_before() -> None:
    files = stable_files()
    files.note(FILE, UNCHANGED, now=0.0)
    assert (files.list_due(9.9), files.list_due(10.0)) == ([], [FILE])
    assert files.is_complete(FILE, UNCHANGED, now=10.0)


def test_seeing_a_file_again_does_not_lengthen_its_rest_but_growing_does() -> None:
    files = stable_files()
    files.note(FILE, UNCHANGED, now=0.0)
    files.note(FILE, UNCHANGED, now=9.0)
    assert files.list_due(10.0) == [FILE]
    assert not files.is_complete(FILE, GROWN, now=10.0)
    assert (files.list_due(19.9), files.list_due(20.0)) == ([], [FILE])


def test_a_temporary_file_is_never_due_and_once_renamed_is_due_at_once() -> None:
    files = stable_files()
    files.note(TEMPORARY, UNCHANGED, now=0.0)
    assert files.list_due(1000.0) == []
    files.note(FILE, UNCHANGED, now=1.0)
    assert files.list_due(1.0) == [FILE]


def test_a_file_that_changed_since_its_temporary_name_has_to_rest() -> None:
    files = stable_files()
    files.note(TEMPORARY, UNCHANGED, now=0.0)
    files.note(FILE, GROWN, now=1.0)
    assert (files.list_due(1.0), files.list_due(11.0)) == ([], [FILE])


def test_a_postponed_file_is_due_again_later_and_a_forgotten_one_never() -> None:
    files = stable_files()
    files.note(FILE, UNCHANGED, now=0.0)
    files.postpone(FILE, now=10.0)
    assert (files.list_due(10.0), files.list_due(20.0)) == ([], [FILE])
    files.forget(FILE)
    assert files.list_due(1000.0) == []


def test_files_are_due_in_the_order_of_their_names() -> None:
    files = stable_files()
    for name in ("b.txt", "c.txt", "a.txt"):
        files.note(Path(name), UNCHANGED, now=0.0)
    assert files.list_due(10.0) == [Path("a.txt"), Path("b.txt"), Path("c.txt")]
