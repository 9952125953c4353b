"""When a file in a watched folder is whole, and which were dealt with."""

from pathlib import Path

from services.receiver.adapters.folder.processed_files import TakenFiles
from services.receiver.adapters.folder.stable_files import Look, Resting

FILE, TEMPORARY = Path("/theirs/bkhn/a.txt"), Path("/theirs/bkhn/a.tmp")
LOOK = Look(device=1, inode=7, size=100, mtime_ns=5)
GROWN = Look(device=1, inode=7, size=200, mtime_ns=6)


def resting() -> Resting:
    return Resting(10.0, lambda name: name.endswith(".tmp"))


def test_a_file_is_due_after_its_rest_and_not_before() -> None:
    files = resting()
    files.see(FILE, LOOK, now=0.0)
    assert (files.due(9.9), files.due(10.0)) == ([], [FILE])
    assert files.is_whole(FILE, LOOK, now=10.0)


def test_seeing_a_file_again_does_not_lengthen_its_rest_but_growing_does() -> None:
    files = resting()
    files.see(FILE, LOOK, now=0.0)
    files.see(FILE, LOOK, now=9.0)
    assert files.due(10.0) == [FILE]
    assert not files.is_whole(FILE, GROWN, now=10.0)
    assert (files.due(19.9), files.due(20.0)) == ([], [FILE])


def test_a_temporary_file_is_never_due_and_once_renamed_is_due_at_once() -> None:
    files = resting()
    files.see(TEMPORARY, LOOK, now=0.0)
    assert files.due(1000.0) == []
    files.see(FILE, LOOK, now=1.0)
    assert files.due(1.0) == [FILE]


def test_a_file_that_changed_since_its_temporary_name_has_to_rest() -> None:
    files = resting()
    files.see(TEMPORARY, LOOK, now=0.0)
    files.see(FILE, GROWN, now=1.0)
    assert (files.due(1.0), files.due(11.0)) == ([], [FILE])


def test_a_postponed_file_is_due_again_later_and_a_forgotten_one_never() -> None:
    files = resting()
    files.see(FILE, LOOK, now=0.0)
    files.postpone(FILE, now=10.0)
    assert (files.due(10.0), files.due(20.0)) == ([], [FILE])
    files.forget(FILE)
    assert files.due(1000.0) == []


def test_files_are_due_in_the_order_of_their_names() -> None:
    files = resting()
    for name in ("b.txt", "c.txt", "a.txt"):
        files.see(Path(name), LOOK, now=0.0)
    assert files.due(10.0) == [Path("a.txt"), Path("b.txt"), Path("c.txt")]


def test_a_taken_file_is_known_as_it_looked_over_a_restart(tmp_path: Path) -> None:
    taken = TakenFiles(tmp_path / "taken.sqlite")
    taken.add(FILE, LOOK)
    taken.close()
    again = TakenFiles(tmp_path / "taken.sqlite")
    assert (again.has(FILE, LOOK), again.has(FILE, GROWN), again.has(TEMPORARY, LOOK)) == (True, False, False)
    again.close()


def test_files_that_are_gone_are_forgotten_whatever_their_names_are(tmp_path: Path) -> None:
    taken, odd = TakenFiles(tmp_path / "taken.sqlite"), Path("/theirs/bkhn/\udcff.txt")
    for path in (FILE, odd):
        taken.add(path, LOOK)
    taken.keep_only([odd])
    assert (taken.has(FILE, LOOK), taken.has(odd, LOOK)) == (False, True)
    taken.close()
