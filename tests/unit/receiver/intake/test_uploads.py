"""What becomes of an upload by the way it ended: a clock, a folder, and an intake that keeps what it gets."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from errno import ENOSPC
from pathlib import Path
from threading import Event

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.stations import Account
from quantrac.testing.builders import NOON, account
from services.receiver.intake.handler import Upload
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.parked_uploads import ParkedUploads
from services.receiver.intake.spool import SpoolFull
from services.receiver.intake.uploads import BadOffset, NotWaiting, Uploads

WAIT = 5.0
BKHN = account()
TEMPORARY, FINAL = "/2026/x.txt.tmp", "/2026/x.txt"


def answered(outcome: UploadOutcome) -> None:
    """Wait as a door does: what the uploads have to do comes before the answer."""
    done = Event()
    outcome.spooled.add_done_callback(lambda _: done.set())
    assert done.wait(WAIT)
    outcome.spooled.result(0)


class Desk:
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
        answered(self.uploads.finish(sender, path, content, "ftp"))

    def cut(self, path: str, content: bytes) -> int:
        return self.uploads.park("bkhn", path, content, "ftp")

    def rename(self, old: str, new: str) -> None:
        answered(self.uploads.rename(BKHN, old, new))

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.uploads.offer_due()

    def files(self) -> list[tuple[str, bytes, tuple[str, ...]]]:
        return [(upload.name, upload.content, upload.marks) for upload in self.offered]

    def parked(self) -> int:
        return len(list(self.folder.iterdir()))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.uploads.close()


def test_a_file_under_its_final_name_is_taken_at_once(desk: Desk) -> None:
    desk.finish(FINAL, b"content")
    assert desk.offered == [Upload(BKHN, "/2026", "x.txt", b"content", "ftp")]
    assert desk.parked() == 0


@pytest.mark.parametrize("name", ["x.txt.tmp", "X.TXT.TMP", "x.part", "x.filepart", ".x.txt.Ab12"])
def test_a_temporary_name_waits_for_its_rename_on_the_disk(desk: Desk, name: str) -> None:
    desk.finish(f"/{name}", b"content")
    assert (desk.files(), desk.parked(), desk.uploads.is_waiting("bkhn", f"/{name}")) == ([], 1, True)
    desk.rename(f"/{name}", FINAL)
    assert desk.offered == [Upload(BKHN, "/2026", "x.txt", b"content", "ftp")]
    assert desk.parked() == 0


@pytest.mark.parametrize("name", ["x.txt", "tmp", "x.tmp.txt", "..x.txt"])
def test_other_names_are_final(desk: Desk, name: str) -> None:
    desk.finish(f"/{name}", b"content")
    assert desk.files() == [(name, b"content", ())]


def test_a_file_never_renamed_is_taken_under_its_own_name_with_a_mark(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"content")
    desk.wait(14.9)
    assert desk.files() == []
    desk.wait(0.1)
    assert desk.files() == [("x.txt.tmp", b"content", ("not-renamed",))]
    with pytest.raises(NotWaiting):
        desk.rename(TEMPORARY, FINAL)
    assert desk.parked() == 0


def test_a_rename_to_another_temporary_name_waits_on(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"content")
    desk.rename(TEMPORARY, "/x.part")
    assert (desk.files(), desk.parked(), desk.uploads.is_waiting("bkhn", TEMPORARY)) == ([], 1, False)
    desk.rename("/x.part", FINAL)
    assert desk.files() == [("x.txt", b"content", ())]


def test_one_account_cannot_rename_the_upload_of_another(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"content")
    with pytest.raises(NotWaiting):
        desk.uploads.rename(account("other"), TEMPORARY, FINAL)


def test_a_rename_that_finds_no_room_can_be_asked_for_again(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"content")
    desk.full = True
    with pytest.raises(SpoolFull):
        desk.rename(TEMPORARY, FINAL)
    desk.full = False
    desk.rename(TEMPORARY, FINAL)
    assert (desk.files(), desk.parked()) == ([("x.txt", b"content", ())], 0)


def test_a_temporary_name_that_cannot_be_kept_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        desk.finish("/" + "a" * 300 + ".tmp", b"content")
    assert desk.parked() == 0


def test_the_same_temporary_name_sent_twice_loses_neither(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"first")
    desk.finish(TEMPORARY, b"second")
    desk.rename(TEMPORARY, FINAL)
    desk.wait(0)
    assert desk.files() == [("x.txt", b"second", ()), ("x.txt.tmp", b"first", ("not-renamed",))]


def test_a_cut_file_is_joined_with_the_rest(desk: Desk) -> None:
    assert desk.cut(FINAL, b"half ") == 5
    assert desk.uploads.resume("bkhn", FINAL, 5) == b"half "
    desk.finish(FINAL, b"half a file")
    desk.wait(120)
    assert (desk.files(), desk.parked()) == ([("x.txt", b"half a file", ())], 0)


def test_a_file_cut_twice_is_joined_from_three_pieces(desk: Desk) -> None:
    desk.cut(FINAL, b"one ")
    desk.cut(FINAL, desk.uploads.resume("bkhn", FINAL, None) + b"two ")
    assert (desk.uploads.resume("bkhn", FINAL, None), desk.parked()) == (b"one two ", 1)


@pytest.mark.parametrize(("offset", "before"), [(0, b""), (2, b"ha"), (5, b"half "), (None, b"half ")])
def test_a_resume_starts_where_the_client_says(desk: Desk, offset: int | None, before: bytes) -> None:
    desk.cut(FINAL, b"half ")
    assert desk.uploads.resume("bkhn", FINAL, offset) == before


@pytest.mark.parametrize("offset", [6, 1 << 40])
def test_a_resume_after_a_gap_is_refused(desk: Desk, offset: int) -> None:
    desk.cut(FINAL, b"half ")
    with pytest.raises(BadOffset, match="5 bytes are here"):
        desk.uploads.resume("bkhn", FINAL, offset)


def test_what_is_added_to_an_accepted_file_is_a_file_of_its_own(desk: Desk) -> None:
    assert desk.uploads.resume("bkhn", FINAL, 700, shown_size=700) == b""
    assert desk.uploads.resume("bkhn", FINAL, None, shown_size=700) == b""
    with pytest.raises(BadOffset, match="0 bytes are here, not 700"):
        desk.uploads.resume("bkhn", FINAL, 700, shown_size=699)


def test_a_full_resend_replaces_the_piece(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    desk.finish(FINAL, b"half a file")
    assert (desk.files(), desk.parked()) == ([("x.txt", b"half a file", ())], 0)


def test_a_piece_of_another_file_of_the_same_name_is_not_lost(desk: Desk) -> None:
    desk.cut(FINAL, b"ten o'clock")
    desk.finish(FINAL, b"five past ten")
    desk.wait(0)
    assert desk.files() == [("x.txt", b"five past ten", ()), ("x.txt", b"ten o'clock", ("truncated",))]


def test_a_resend_cut_earlier_than_the_piece_leaves_the_piece(desk: Desk) -> None:
    desk.cut(FINAL, b"half a file")
    assert desk.cut(FINAL, b"half") == 11
    assert (desk.uploads.resume("bkhn", FINAL, None), desk.parked()) == (b"half a file", 1)


def test_a_cut_file_is_taken_as_it_is_after_an_hour_with_a_mark(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    desk.wait(59)
    assert desk.files() == []
    desk.wait(1)
    assert (desk.files(), desk.parked()) == ([("x.txt", b"half ", ("truncated",))], 0)
    desk.finish(FINAL, b"half a file")
    assert desk.files()[1:] == [("x.txt", b"half a file", ())]


def test_a_transfer_cut_before_its_first_byte_leaves_nothing(desk: Desk) -> None:
    assert (desk.cut(FINAL, b""), desk.parked()) == (0, 0)


def test_two_transfers_of_one_name_at_once_do_not_mix(desk: Desk) -> None:
    first, second = desk.uploads.resume("bkhn", FINAL, 0), desk.uploads.resume("bkhn", FINAL, 0)
    desk.finish(FINAL, first + b"shorter")
    desk.finish(FINAL, second + b"and longer")
    assert [upload.content for upload in desk.offered] == [b"shorter", b"and longer"]


def test_what_finds_no_room_is_offered_until_there_is_some(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    desk.full = True
    desk.wait(60)
    assert (desk.files(), desk.parked()) == ([], 1)
    desk.full = False
    desk.wait(0)
    assert (desk.files(), desk.parked()) == ([("x.txt", b"half ", ("truncated",))], 0)


def test_what_an_ended_account_left_is_taken_for_no_station(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    desk.accounts.clear()
    desk.wait(60)
    assert (desk.offered[0].account.name, desk.offered[0].account.stations) == ("bkhn", ())


def test_both_kinds_survive_a_restart(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    desk.finish(TEMPORARY, b"content")
    uploads = desk.open()
    assert uploads.resume("bkhn", FINAL, None) == b"half "
    assert (uploads.is_waiting("bkhn", TEMPORARY), uploads.is_waiting("bkhn", FINAL)) == (True, False)
    desk.wait(60)
    assert sorted(desk.files()) == [
        ("x.txt", b"half ", ("truncated",)),
        ("x.txt.tmp", b"content", ("not-renamed",)),
    ]


def test_a_crash_while_parking_leaves_nothing_half_written(desk: Desk) -> None:
    (desk.folder / ".1774414800000-0011223344556677").write_bytes(b'{"account": "bk')
    desk.open()
    desk.wait(60)
    assert (desk.files(), desk.parked()) == ([], 0)


def test_a_crash_between_a_longer_piece_and_the_end_of_the_shorter_one_keeps_the_longer(desk: Desk) -> None:
    desk.cut(FINAL, b"half ")
    left = next(desk.folder.iterdir())
    content = left.read_bytes()
    desk.now += timedelta(minutes=1)
    desk.cut(FINAL, b"half a ")
    left.write_bytes(content)
    assert desk.open().resume("bkhn", FINAL, None) == b"half a "
    assert desk.parked() == 1


def test_a_crash_after_a_rename_was_taken_sends_the_same_bytes_once_more(desk: Desk) -> None:
    desk.finish(TEMPORARY, b"content")
    left = next(desk.folder.iterdir())
    content = left.read_bytes()
    desk.rename(TEMPORARY, FINAL)
    left.write_bytes(content)
    desk.open()
    desk.wait(15)
    assert desk.files() == [("x.txt", b"content", ()), ("x.txt.tmp", b"content", ("not-renamed",))]


def test_a_damaged_entry_stays_and_holds_up_nothing(desk: Desk) -> None:
    (desk.folder / "1774414800000-0011223344556677").write_bytes(b"\0\0\0")
    desk.cut(FINAL, b"half ")
    with_damage = desk.open()
    assert with_damage.resume("bkhn", FINAL, None) == b"half "
    assert desk.parked() == 2


def test_one_account_cannot_park_more_than_its_share(desk: Desk) -> None:
    desk.open(account_limit=10_000)
    assert [desk.cut(f"/{n}.txt", b"x" * 5000) for n in range(3)] == [5000, 5000, 0]
    with pytest.raises(SpoolFull, match="account bkhn has parked 10000 bytes"):
        desk.finish(TEMPORARY, b"content")
    desk.finish(TEMPORARY, b"content", account("other"))
    assert desk.parked() == 3


def test_all_together_cannot_park_more_than_the_limit_even_in_tiny_pieces(desk: Desk) -> None:
    desk.open(limit=10_000)
    assert [desk.uploads.park(f"a{n}", FINAL, b"x", "ftp") for n in range(4)] == [1, 1, 0, 0]


def test_room_is_given_back(desk: Desk) -> None:
    desk.open(account_limit=10_000)
    for _ in range(5):
        assert desk.cut(FINAL, b"x" * 6000) == 6000
        desk.finish(FINAL, b"x" * 7000)
    assert desk.parked() == 0


def test_a_full_disk_refuses_politely_and_keeps_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    desk.open(account_limit=10_000)
    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr("services.receiver.intake.parked_uploads.write_durably", full)
            with pytest.raises(SpoolFull, match="the disk is full"):
                desk.finish(TEMPORARY, b"x" * 5000)
    desk.finish(TEMPORARY, b"x" * 5000)
    assert desk.parked() == 1


class Killed(BaseException):
    """Stands for kill -9: nothing that handles errors sees it."""


def killed(*_: object) -> None:
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
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(step, killed)
        outcome = desk.uploads.finish(BKHN, TEMPORARY, b"content", "ftp")
        desk.uploads.close()
        assert not outcome.spooled.done()
    desk.open()
    desk.finish(TEMPORARY, b"content")
    desk.rename(TEMPORARY, FINAL)
    desk.wait(15)
    assert (desk.files(), desk.parked()) == ([("x.txt", b"content", ())], 0)


@pytest.mark.parametrize(("owner", "step"), [(Desk, "offer"), (ParkedUploads, "remove")])
def test_a_kill_in_a_rename_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    desk.finish(TEMPORARY, b"content")
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killed)
        desk.open()
        with pytest.raises(Killed):
            desk.rename(TEMPORARY, FINAL)
    desk.open()
    desk.rename(TEMPORARY, FINAL)
    assert set(desk.files()) == {("x.txt", b"content", ())}
    assert desk.parked() == 0
