import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from quantrac.io.records import Record
from services.receiver.intake.spool import Spool, SpoolFull, write_durably

RECORD = Record("raw-file", b"HN_GP", b"\xff\x00\r\nbytes\n", {"name": "Nhiệt độ.txt".encode()})


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    spool.put("1", RECORD)
    assert spool.names() == ["1"]
    assert spool.read("1") == RECORD


def test_an_empty_file_is_an_entry_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    spool.put("1", Record("raw-file", b"k", b"", {}))
    assert spool.read("1").value == b""


def test_entries_survive_the_process_in_the_order_of_their_names(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    for name in ("0000000000002-b", "0000000000010-a", "0000000000001-c"):
        spool.put(name, RECORD)
    again = Spool(tmp_path, 10_000)
    assert again.names() == ["0000000000001-c", "0000000000002-b", "0000000000010-a"]


def test_what_was_still_being_written_is_thrown_away_at_the_start(tmp_path: Path) -> None:
    Spool(tmp_path, 10_000)
    (tmp_path / "incoming" / "half").write_bytes(b'{"topic": "raw')
    assert Spool(tmp_path, 10_000).names() == []
    assert list((tmp_path / "incoming").iterdir()) == []


def test_past_the_limit_nothing_is_taken_until_there_is_room_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 250)
    spool.put("1", RECORD)
    spool.put("2", RECORD)
    with pytest.raises(SpoolFull, match="of 250 bytes are taken"):
        spool.put("3", RECORD)
    assert spool.names() == ["1", "2"]
    spool.remove("1")
    spool.put("3", RECORD)
    assert spool.names() == ["2", "3"]


def test_the_limit_counts_what_an_earlier_process_left(tmp_path: Path) -> None:
    Spool(tmp_path, 150).put("1", RECORD)
    with pytest.raises(SpoolFull):
        Spool(tmp_path, 150).put("2", RECORD)


def failing(code: int) -> Callable[[Path, bytes], None]:
    def write(path: Path, content: bytes) -> None:
        write_durably(path, content[: len(content) // 2])
        raise OSError(code, "no")

    return write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_refuses_the_file_and_leaves_nothing_of_it(tmp_path: Path, code: int) -> None:
    Spool(tmp_path, 10_000).put("1", RECORD)
    spool = Spool(tmp_path, 10_000, failing(code))
    with pytest.raises(SpoolFull, match="the disk is full"):
        spool.put("2", RECORD)
    assert spool.names() == ["1"]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_failed_write_gives_its_room_back(tmp_path: Path) -> None:
    broken = Spool(tmp_path, 150, failing(errno.EIO))
    for _ in range(3):
        with pytest.raises(OSError, match="no"):
            broken.put("1", RECORD)
    assert not broken.is_full


def test_a_damaged_entry_is_named_and_can_be_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    spool.put("1", RECORD)
    (tmp_path / "ready" / "1").write_bytes(b"\0" * 50)
    with pytest.raises(ValueError, match="spool entry 1 is damaged"):
        spool.read("1")
    spool.set_aside("1")
    assert spool.names() == []
    assert (tmp_path / "damaged" / "1").exists()
