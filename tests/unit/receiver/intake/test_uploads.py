"""What becomes of an upload by the way it ended: a clock, a folder, and an intake that keeps what it gets."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from threading import Event

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.registry.accounts import Account
from quantrac.testing.builders import NOON, account
from services.receiver.intake.handler import Upload
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.parked_uploads import ParkedUploads
from services.receiver.intake.spool import SpoolFull
from services.receiver.intake.uploads import BadOffset, NotWaiting, Uploads
from support.waiting import LIMIT

BKHN = account()
TEMPORARY, FINAL = "/2026/x.txt.tmp", "/2026/x.txt"


def wait_for_answer(outcome: UploadOutcome) -> None:
    """Wait as a door does: what the uploads have to do comes before the answer."""
    answer = Event()
    outcome.spooled.add_done_callback(lambda _: answer.set())
    assert answer.wait(LIMIT)
    outcome.spooled.result(0)


class UploadsBench:
    """Uploads over a folder, with a clock to set and an intake that is full or not."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.full = folder, NOON, False
        self.offered: list[Upload] = []
        self.accounts = {"bkhn": BKHN}
        self.uploads = self.open()

    def open(self, *, account_limit: int = 50_000, limit: int = 100_000) -> Uploads:
        """Start, as after a crash: nothing of the former process but the folder is left."""
        storage = ParkedUploads(self.folder, account_limit=account_limit, limit=limit)
        self.uploads = Uploads(offer=self.offer, account=self.accounts.get, storage=storage, clock=self.clock)
        return self.uploads

    def clock(self) -> datetime:
        return self.now

    def offer(self, upload: Upload) -> UploadOutcome:
        outcome = UploadOutcome(file_id(upload.content), None, is_resend=False)
        if self.full:
            outcome.spooled.set_exception(SpoolFull("full"))
        else:
            self.offered.append(upload)
            outcome.spooled.set_result(None)
        return outcome

    def finish(self, path: str, content: bytes, sender: Account = BKHN) -> None:
        wait_for_answer(self.uploads.finish(sender, path, content, "ftp"))

    def cut(self, path: str, content: bytes) -> int:
        return self.uploads.park("bkhn", path, content, "ftp")

    def rename(self, old: str, new: str) -> None:
        wait_for_answer(self.uploads.rename(BKHN, old, new))

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.uploads.offer_due()

    def files(self) -> list[tuple[str, bytes, tuple[str, ...]]]:
        return [(upload.name, upload.content, upload.marks) for upload in self.offered]

    def count_parked(self) -> int:
        return len(list(self.folder.iterdir()))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[UploadsBench]:
    opened = UploadsBench(tmp_path)
    yield opened
    opened.uploads.close()


def test_a_file_under_its_final_name_is_taken_at_once(bench: UploadsBench) -> None:
    bench.finish(FINAL, b"content")
    assert bench.offered == [Upload(BKHN, "/2026", "x.txt", b"content", "ftp")]
    assert bench.count_parked() == 0


@pytest.mark.parametrize("name", ["x.txt.tmp", "X.TXT.TMP", "x.part", "x.filepart", ".x.txt.Ab12"])
def test_a_temporary_name_waits_for_its_rename_on_the_disk(bench: UploadsBench, name: str) -> None:
    bench.finish(f"/{name}", b"content")
    assert (bench.files(), bench.count_parked(), bench.uploads.is_waiting("bkhn", f"/{name}")) == (
        [],
        1,
        True,
    )
    bench.rename(f"/{name}", FINAL)
    assert bench.offered == [Upload(BKHN, "/2026", "x.txt", b"content", "ftp")]
    assert bench.count_parked() == 0


@pytest.mark.parametrize("name", ["x.txt", "tmp", "x.tmp.txt", "..x.txt"])
def test_other_names_are_final(bench: UploadsBench, name: str) -> None:
    bench.finish(f"/{name}", b"content")
    assert bench.files() == [(name, b"content", ())]


def test_a_file_never_renamed_is_taken_under_its_own_name_with_a_mark(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"content")
    bench.wait(14.9)
    assert bench.files() == []
    bench.wait(0.1)
    assert bench.files() == [("x.txt.tmp", b"content", ("not-renamed",))]
    with pytest.raises(NotWaiting):
        bench.rename(TEMPORARY, FINAL)
    assert bench.count_parked() == 0


def test_a_rename_to_another_temporary_name_waits_on(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"content")
    bench.rename(TEMPORARY, "/x.part")
    assert (bench.files(), bench.count_parked(), bench.uploads.is_waiting("bkhn", TEMPORARY)) == (
        [],
        1,
        False,
    )
    bench.rename("/x.part", FINAL)
    assert bench.files() == [("x.txt", b"content", ())]


def test_one_account_cannot_rename_the_upload_of_another(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"content")
    with pytest.raises(NotWaiting):
        bench.uploads.rename(account("other"), TEMPORARY, FINAL)


def test_a_rename_that_finds_no_room_can_be_asked_for_again(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"content")
    bench.full = True
    with pytest.raises(SpoolFull):
        bench.rename(TEMPORARY, FINAL)
    bench.full = False
    bench.rename(TEMPORARY, FINAL)
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"content", ())], 0)


def test_a_temporary_name_that_cannot_be_kept_is_refused(bench: UploadsBench) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        bench.finish("/" + "a" * 300 + ".tmp", b"content")
    assert bench.count_parked() == 0


def test_the_same_temporary_name_sent_twice_loses_neither(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"first")
    bench.finish(TEMPORARY, b"second")
    bench.rename(TEMPORARY, FINAL)
    bench.wait(0)
    assert bench.files() == [("x.txt", b"second", ()), ("x.txt.tmp", b"first", ("not-renamed",))]


def test_a_cut_file_is_joined_with_the_rest(bench: UploadsBench) -> None:
    assert bench.cut(FINAL, b"half ") == 5
    assert bench.uploads.resume("bkhn", FINAL, 5) == b"half "
    bench.finish(FINAL, b"half a file")
    bench.wait(120)
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"half a file", ())], 0)


def test_a_file_cut_twice_is_joined_from_three_pieces(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"one ")
    bench.cut(FINAL, bench.uploads.resume("bkhn", FINAL, None) + b"two ")
    assert (bench.uploads.resume("bkhn", FINAL, None), bench.count_parked()) == (b"one two ", 1)


@pytest.mark.parametrize(("offset", "before"), [(0, b""), (2, b"ha"), (5, b"half "), (None, b"half ")])
def test_a_resume_starts_where_the_client_says(
    bench: UploadsBench, offset: int | None, before: bytes
) -> None:
    bench.cut(FINAL, b"half ")
    assert bench.uploads.resume("bkhn", FINAL, offset) == before


@pytest.mark.parametrize("offset", [6, 1 << 40])
def test_a_resume_after_a_gap_is_refused(bench: UploadsBench, offset: int) -> None:
    bench.cut(FINAL, b"half ")
    with pytest.raises(BadOffset, match="5 bytes are here"):
        bench.uploads.resume("bkhn", FINAL, offset)


def test_what_is_added_to_an_accepted_file_is_a_file_of_its_own(bench: UploadsBench) -> None:
    assert bench.uploads.resume("bkhn", FINAL, 700, shown_size=700) == b""
    assert bench.uploads.resume("bkhn", FINAL, None, shown_size=700) == b""
    with pytest.raises(BadOffset, match="0 bytes are here, not 700"):
        bench.uploads.resume("bkhn", FINAL, 700, shown_size=699)


def test_a_full_resend_replaces_the_piece(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half ")
    bench.finish(FINAL, b"half a file")
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"half a file", ())], 0)


def test_a_piece_of_another_file_of_the_same_name_is_not_lost(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"ten o'clock")
    bench.finish(FINAL, b"five past ten")
    bench.wait(0)
    assert bench.files() == [("x.txt", b"five past ten", ()), ("x.txt", b"ten o'clock", ("truncated",))]


def test_a_resend_cut_earlier_than_the_piece_leaves_the_piece(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half a file")
    assert bench.cut(FINAL, b"half") == 11
    assert (bench.uploads.resume("bkhn", FINAL, None), bench.count_parked()) == (b"half a file", 1)


def test_a_cut_file_is_taken_as_it_is_after_an_hour_with_a_mark(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half ")
    bench.wait(59)
    assert bench.files() == []
    bench.wait(1)
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"half ", ("truncated",))], 0)
    bench.finish(FINAL, b"half a file")
    assert bench.files()[1:] == [("x.txt", b"half a file", ())]


def test_a_transfer_cut_before_its_first_byte_leaves_nothing(bench: UploadsBench) -> None:
    assert (bench.cut(FINAL, b""), bench.count_parked()) == (0, 0)


def test_two_transfers_of_one_name_at_once_do_not_mix(bench: UploadsBench) -> None:
    first, second = bench.uploads.resume("bkhn", FINAL, 0), bench.uploads.resume("bkhn", FINAL, 0)
    bench.finish(FINAL, first + b"shorter")
    bench.finish(FINAL, second + b"and longer")
    assert [upload.content for upload in bench.offered] == [b"shorter", b"and longer"]


def test_what_finds_no_room_is_offered_until_there_is_some(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half ")
    bench.full = True
    bench.wait(60)
    assert (bench.files(), bench.count_parked()) == ([], 1)
    bench.full = False
    bench.wait(0)
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"half ", ("truncated",))], 0)


def test_what_an_ended_account_left_is_taken_for_no_station(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half ")
    bench.accounts.clear()
    bench.wait(60)
    assert (bench.offered[0].account.name, bench.offered[0].account.stations) == ("bkhn", ())


def test_both_kinds_survive_a_restart(bench: UploadsBench) -> None:
    bench.cut(FINAL, b"half ")
    bench.finish(TEMPORARY, b"content")
    uploads = bench.open()
    assert uploads.resume("bkhn", FINAL, None) == b"half "
    assert (uploads.is_waiting("bkhn", TEMPORARY), uploads.is_waiting("bkhn", FINAL)) == (True, False)
    bench.wait(60)
    assert sorted(bench.files()) == [
        ("x.txt", b"half ", ("truncated",)),
        ("x.txt.tmp", b"content", ("not-renamed",)),
    ]


def test_a_crash_while_parking_leaves_nothing_half_written(bench: UploadsBench) -> None:
    (bench.folder / ".1774414800000-0011223344556677").write_bytes(b'{"account": "bk')
    bench.open()
    bench.wait(60)
    assert (bench.files(), bench.count_parked()) == ([], 0)


def test_a_crash_between_a_longer_piece_and_the_end_of_the_shorter_one_keeps_the_longer(
    bench: UploadsBench,
) -> None:
    bench.cut(FINAL, b"half ")
    left = next(bench.folder.iterdir())
    content = left.read_bytes()
    bench.now += timedelta(minutes=1)
    bench.cut(FINAL, b"half a ")
    left.write_bytes(content)
    assert bench.open().resume("bkhn", FINAL, None) == b"half a "
    assert bench.count_parked() == 1


def test_a_crash_after_a_rename_was_taken_sends_the_same_bytes_once_more(bench: UploadsBench) -> None:
    bench.finish(TEMPORARY, b"content")
    left = next(bench.folder.iterdir())
    content = left.read_bytes()
    bench.rename(TEMPORARY, FINAL)
    left.write_bytes(content)
    bench.open()
    bench.wait(15)
    assert bench.files() == [("x.txt", b"content", ()), ("x.txt.tmp", b"content", ("not-renamed",))]


def test_a_damaged_entry_stays_and_holds_up_nothing(bench: UploadsBench) -> None:
    (bench.folder / "1774414800000-0011223344556677").write_bytes(b"\0\0\0")
    bench.cut(FINAL, b"half ")
    with_damage = bench.open()
    assert with_damage.resume("bkhn", FINAL, None) == b"half "
    assert bench.count_parked() == 2


def test_one_account_cannot_park_more_than_its_share(bench: UploadsBench) -> None:
    bench.open(account_limit=10_000)
    assert [bench.cut(f"/{n}.txt", b"x" * 5000) for n in range(3)] == [5000, 5000, 0]
    with pytest.raises(SpoolFull, match="account bkhn has parked 10000 bytes"):
        bench.finish(TEMPORARY, b"content")
    bench.finish(TEMPORARY, b"content", account("other"))
    assert bench.count_parked() == 3


def test_all_together_cannot_park_more_than_the_limit_even_in_tiny_pieces(bench: UploadsBench) -> None:
    bench.open(limit=10_000)
    assert [bench.uploads.park(f"a{n}", FINAL, b"x", "ftp") for n in range(4)] == [1, 1, 0, 0]


def test_room_is_given_back(bench: UploadsBench) -> None:
    bench.open(account_limit=10_000)
    for _ in range(5):
        assert bench.cut(FINAL, b"x" * 6000) == 6000
        bench.finish(FINAL, b"x" * 7000)
    assert bench.count_parked() == 0


def test_a_full_disk_refuses_politely_and_keeps_nothing(
    bench: UploadsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    bench.open(account_limit=10_000)
    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr("services.receiver.intake.parked_uploads.write_durably", full)
            with pytest.raises(SpoolFull, match="the disk is full"):
                bench.finish(TEMPORARY, b"x" * 5000)
    bench.finish(TEMPORARY, b"x" * 5000)
    assert bench.count_parked() == 1


class Killed(BaseException):
    """Stands for kill -9: nothing that handles errors sees it."""


def kill(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    "step",
    [
        "services.receiver.intake.parked_uploads.write_durably",
        "pathlib.Path.rename",
        "services.receiver.intake.parked_uploads.sync_folder",
    ],
)
def test_a_kill_before_the_answer_lets_the_sender_send_again(
    bench: UploadsBench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(step, kill)
        outcome = bench.uploads.finish(BKHN, TEMPORARY, b"content", "ftp")
        bench.uploads.close()
        assert not outcome.spooled.done()
    bench.open()
    bench.finish(TEMPORARY, b"content")
    bench.rename(TEMPORARY, FINAL)
    bench.wait(15)
    assert (bench.files(), bench.count_parked()) == ([("x.txt", b"content", ())], 0)


@pytest.mark.parametrize(("owner", "step"), [(UploadsBench, "offer"), (ParkedUploads, "remove")])
def test_a_kill_in_a_rename_loses_nothing(
    bench: UploadsBench, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    bench.finish(TEMPORARY, b"content")
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, kill)
        bench.open()
        with pytest.raises(Killed):
            bench.rename(TEMPORARY, FINAL)
    bench.open()
    bench.rename(TEMPORARY, FINAL)
    assert set(bench.files()) == {("x.txt", b"content", ())}
    assert bench.count_parked() == 0
