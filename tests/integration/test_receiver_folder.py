"""What only the watched folder does: waiting for writers, remembering, and putting files away."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from quantrac.testing.builders import account, file_name
from services.receiver.adapters.folder.processed_files import ProcessedFiles
from services.receiver.adapters.folder.watcher import FolderRules, WatchedFolder
from support.doors import Receiver
from support.waiting import LIMIT, wait_until

Watch = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    (folder / "bkhn").mkdir(parents=True)
    return folder


@pytest.fixture
def watching(receiver: Receiver, root: Path, tmp_path: Path) -> Watch:
    """Watch ``root`` beside the fixture's own folder for as long as the context lasts."""

    @contextmanager
    def watch(**rules: Any) -> Iterator[WatchedFolder]:
        processed, stop = ProcessedFiles(tmp_path / "processed.sqlite"), threading.Event()
        folder = WatchedFolder(
            FolderRules(root, **({"rest_seconds": 0.1, "rescan_seconds": 60.0} | rules)),
            intake=receiver.intake,
            gate=receiver.logins.gate,
            registry=receiver.registry,
            processed=processed,
            is_temporary=receiver.uploads.rules.is_temporary,
            clock=receiver.now,
        )
        thread = threading.Thread(target=folder.run, args=(stop,))
        thread.start()
        try:
            yield folder
        finally:
            stop.set()
            thread.join(timeout=LIMIT)
            processed.close()
        assert not thread.is_alive()

    return watch


def names(receiver: Receiver, count: int) -> list[str]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count and receiver.spooled() == 0)
    return sorted(record.headers["name"].decode() for record in receiver.broker.records("raw-file"))


def test_what_lies_there_and_what_comes_is_taken_and_stays(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    (root / "bkhn" / "1.txt").write_bytes(b"1")
    with watching():
        assert names(receiver, 1) == ["1.txt"]
        (root / "bkhn" / "2026" / "03").mkdir(parents=True)
        (root / "bkhn" / "2026" / "03" / "2.txt").write_bytes(b"2")
        assert names(receiver, 2) == ["1.txt", "2.txt"]
    headers = {record.value: record.headers for record in receiver.broker.records("raw-file")}
    assert (headers[b"1"]["path"], headers[b"2"]["path"]) == (b"/", b"/2026/03")
    assert headers[b"2"]["transport"] == b"folder"
    assert sorted(path.name for path in root.rglob("*.txt")) == ["1.txt", "2.txt"]


def test_a_file_that_is_still_growing_is_not_taken(receiver: Receiver, root: Path, watching: Watch) -> None:
    with watching(rest_seconds=0.4):
        with (root / "bkhn" / file_name()).open("wb", buffering=0) as file:
            for _ in range(8):
                file.write(b"more ")
                threading.Event().wait(0.1)
        wait_until(lambda: bool(receiver.broker.records("raw-file")))
    assert [record.value for record in receiver.broker.records("raw-file")] == [b"more " * 8]


def test_a_file_renamed_into_place_is_taken_at_once(receiver: Receiver, root: Path, watching: Watch) -> None:
    with watching(rest_seconds=3600.0) as folder:
        (root / "bkhn" / "plain.txt").write_bytes(b"resting")
        (root / "bkhn" / "x.txt.tmp").write_bytes(b"content")
        wait_until(lambda: bool(folder._stable_files._temporaries))
        (root / "bkhn" / "x.txt.tmp").rename(root / "bkhn" / "x.txt")
        assert names(receiver, 1) == ["x.txt"]


def test_temporary_and_dotted_names_links_and_strangers_are_left_alone(
    receiver: Receiver, root: Path, tmp_path: Path, watching: Watch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(b"secret")
    ours = root / "bkhn"
    (ours / "link.txt").symlink_to(outside / "secret.txt")
    (ours / "folder").symlink_to(outside)
    for path in (ours / "a.part", ours / ".b.txt", root / "no-account.txt", ours / ".hidden" / "c.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    for stranger in ("nobody", "hanoi"):
        (root / stranger).mkdir()
        (root / stranger / "d.txt").write_bytes(b"x")
    os.mkfifo(ours / "pipe.txt")
    with watching(rescan_seconds=0.2):
        (outside / "new.txt").write_bytes(b"x")
        # Twice, so that everything else has had its rest too.
        (ours / "e.txt").write_bytes(b"e")
        assert names(receiver, 1) == ["e.txt"]
        (ours / "f.txt").write_bytes(b"f")
        assert names(receiver, 2) == ["e.txt", "f.txt"]


def test_files_of_an_account_are_taken_once_the_registry_learns_it(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    (root / "new").mkdir()
    (root / "new" / "x.txt").write_bytes(b"x")
    (root / "bkhn" / "y.txt").write_bytes(b"y")
    with watching(rescan_seconds=0.2):
        assert names(receiver, 1) == ["y.txt"]
        receiver.registry.accounts["new"] = account("new")
        assert names(receiver, 2) == ["x.txt", "y.txt"]


def test_a_restart_takes_nothing_twice_and_misses_nothing(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    (root / "bkhn" / "1.txt").write_bytes(b"1")
    with watching():
        assert names(receiver, 1) == ["1.txt"]
    (root / "bkhn" / "2.txt").write_bytes(b"2")
    receiver.intake._ledger.first_receipt = lambda *_: None  # only the folder's own memory is left
    with watching():
        assert names(receiver, 2) == ["1.txt", "2.txt"]


def test_a_file_written_over_is_taken_again(receiver: Receiver, root: Path, watching: Watch) -> None:
    with watching():
        (root / "bkhn" / "1.txt").write_bytes(b"first")
        names(receiver, 1)
        (root / "bkhn" / "1.txt").write_bytes(b"second")
        names(receiver, 2)
    assert {record.value for record in receiver.broker.records("raw-file")} == {b"first", b"second"}


def test_taken_files_are_deleted_where_that_is_wanted(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    (root / "bkhn" / "1.txt").write_bytes(b"1")
    (root / "bkhn" / "large.txt").write_bytes(b"x" * 20_001)
    with watching(after="delete"):
        wait_until(lambda: not (root / "bkhn" / "1.txt").exists())
    assert (root / "bkhn" / "large.txt").exists()
    assert names(receiver, 1) == ["1.txt"]


def test_taken_files_are_moved_and_overwrite_nothing(
    receiver: Receiver, root: Path, tmp_path: Path, watching: Watch
) -> None:
    put_away = tmp_path / "done"
    with watching(after=f"move:{put_away}"):
        for content in (b"first", b"second"):
            (root / "bkhn" / "1.txt").write_bytes(content)
            wait_until(lambda: not (root / "bkhn" / "1.txt").exists())
    assert (put_away / "bkhn" / "1.txt").read_bytes() == b"first"
    assert (put_away / "bkhn" / "1.txt.1").read_bytes() == b"second"


def test_with_the_spool_full_files_wait_in_the_folder(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    receiver.broker.away = True
    for n in range(4):
        (root / "bkhn" / f"{n}.txt").write_bytes(b"%d" % n * 20_000)
    with watching(after="delete"):
        wait_until(lambda: receiver.spooled() == 2)
        assert len(list((root / "bkhn").iterdir())) >= 2
        receiver.broker.away = False
        assert names(receiver, 4) == ["0.txt", "1.txt", "2.txt", "3.txt"]


def test_a_folder_that_is_not_there_and_one_inside_the_other_are_refused(
    receiver: Receiver, root: Path, watching: Watch
) -> None:
    with pytest.raises(ValueError, match="lies in the watched folder"), watching(after=f"move:{root}/done"):
        pass
    (root / "bkhn").rmdir()
    root.rmdir()
    with pytest.raises(ValueError, match="is not a folder"), watching():
        pass


@pytest.mark.parametrize("name", [b"a\nb.txt", b"\x1b[31mred.txt", b"caf\xe9.txt"])
def test_a_name_that_cannot_be_kept_is_logged_once_and_the_others_are_taken(
    receiver: Receiver, root: Path, watching: Watch, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = root / "bkhn" / os.fsdecode(name)
    path.write_bytes(b"x")
    with watching(rescan_seconds=0.1) as folder:
        (root / "bkhn" / "good.txt").write_bytes(b"good")
        assert names(receiver, 1) == ["good.txt"]
        wait_until(lambda: "is not taken" in caplog.text)
        rescans, rescan = threading.Semaphore(0), folder._rescan

        def count(now: float) -> None:
            rescan(now)
            rescans.release()

        folder._rescan = count
        assert all(rescans.acquire(timeout=LIMIT) for _ in range(3))
    assert path.exists()
    lines = [record.getMessage() for record in caplog.records if "is not taken" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].isprintable()
