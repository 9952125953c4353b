"""One SFTP upload in memory."""

from pathlib import Path

import pytest
from asyncssh import SFTPFailure

from services.receiver.adapters.sftp.upload import OpenUpload, Resume
from services.receiver.intake.uploads import BadOffset


def resume_of(content: bytes, shown_size: int = 0) -> Resume:
    """Answer a resume as if ``content`` were parked and ``shown_size`` the size of an accepted file."""

    def resume(offset: int | None) -> bytes:
        if offset is None or offset <= len(content):
            return content[:offset]
        if not content and offset == shown_size:
            return b""
        raise BadOffset(f"{len(content)} bytes are here, not {offset}")

    return resume


def upload(resume: Resume | None = None, *, shown_size: int = 0, append: bool = False) -> OpenUpload:
    return OpenUpload(Path("x.txt"), 20, resume=resume, shown_size=shown_size, append=append)


def test_pieces_stand_where_they_were_written() -> None:
    file = upload()
    file.write(3, b"def")
    file.write(0, b"abc")
    assert file.content() == b"abcdef"


def test_more_than_the_largest_size_is_refused_and_stays_refused() -> None:
    file = upload()
    file.write(0, b"x" * 20)
    with pytest.raises(SFTPFailure, match="more than 20 bytes"):
        file.write(20, b"x")
    with pytest.raises(SFTPFailure, match="more than 20 bytes"):
        file.content()
    assert file.size == 0


def test_a_distant_offset_takes_no_memory() -> None:
    with pytest.raises(SFTPFailure, match="more than 20 bytes"):
        upload().write(1 << 40, b"x")


def test_a_length_may_be_set() -> None:
    file = upload()
    file.write(0, b"abcdef")
    file.resize(3)
    file.resize(4)
    assert file.content() == b"abc\0"


def test_a_resumed_file_begins_with_what_was_resume_of() -> None:
    file = upload(resume_of(b"abc"))
    file.write(3, b"def")
    assert file.content() == b"abcdef"


def test_appending_puts_every_piece_at_the_end() -> None:
    file = upload(resume_of(b"abc"), append=True)
    file.write(0, b"de")
    file.write(0, b"f")
    assert file.content() == b"abcdef"


@pytest.mark.parametrize("append", [False, True])
def test_what_is_added_to_an_accepted_file_is_a_file_of_its_own(append: bool) -> None:
    file = upload(resume_of(b"", shown_size=1000), shown_size=1000, append=append)
    file.write(1000, b"de")
    file.write(1002, b"f")
    assert (file.content(), file.shown_size) == (b"def", 1003)


def test_what_was_accepted_cannot_be_changed() -> None:
    file = upload(resume_of(b"", shown_size=1000), shown_size=1000)
    file.write(1000, b"de")
    with pytest.raises(SFTPFailure, match="cannot be changed"):
        file.write(999, b"x")


def test_a_gap_is_refused() -> None:
    with pytest.raises(SFTPFailure, match="3 bytes are here, not 4"):
        upload(resume_of(b"abc")).write(4, b"x")


def test_closing_a_resumed_file_at_once_keeps_what_was_resume_of() -> None:
    assert upload(resume_of(b"abc")).content() == b"abc"
