"""One SFTP upload under way, in memory: written piece by piece, or continued where a cut one ended."""

from collections.abc import Callable
from pathlib import Path

from asyncssh import SFTPFailure

from services.receiver.intake.uploads import BadOffset

Resume = Callable[[int | None], bytes]
"""Returns the bytes received before an offset; for ``None`` all of them."""


class OpenUpload:
    """Takes pieces at any offset, as a file does, and never grows past ``limit`` bytes.

    ``resume`` is for a file opened without truncation, and ``shown_size`` the size in bytes that its client
    sees of it; ``append`` puts every piece at the end.
    """

    def __init__(
        self, path: Path, limit: int, *, resume: Resume | None, shown_size: int = 0, append: bool = False
    ) -> None:
        self.path, self.is_too_large = path, False
        self._limit, self._resume, self._shown_size, self._append = limit, resume, shown_size, append
        self._content = bytearray()
        self._start = 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._content)

    @property
    def shown_size(self) -> int:
        """Bytes that its client sees: with those of the accepted file that it adds to."""
        return self._start + self.size

    @property
    def is_untouched(self) -> bool:
        """Whether a file that is there already was opened and nothing written."""
        return self._resume is not None and self.path.exists()

    def write(self, offset: int, chunk: bytes) -> int:
        """Write a piece at its offset; raises ``SFTPFailure`` past the largest size, or after a gap."""
        self._begin(None if self._append else offset)
        position = self.size if self._append else offset - self._start
        if position < 0:
            raise SFTPFailure("what was accepted cannot be changed")
        self._grow(position + len(chunk))
        self._content[position : position + len(chunk)] = chunk
        return len(chunk)

    def resize(self, size: int) -> None:
        """Cut, or fill with zeros; raises ``SFTPFailure`` past the largest size."""
        self._begin(None)
        self._grow(size)
        del self._content[size:]

    def content(self) -> bytes:
        """Return the whole file; raises ``SFTPFailure`` when more was sent than is accepted."""
        self._begin(None)
        self._check_size()
        return bytes(self._content)

    def _begin(self, offset: int | None) -> None:
        if self._resume is None:
            return
        try:
            self._content += self._resume(offset)
        except BadOffset as error:
            raise SFTPFailure(str(error)) from error
        self._resume = None
        if offset != 0 and not self._content:
            # What is added to an accepted file is a file of its own.
            self._start = self._shown_size

    def _grow(self, size: int) -> None:
        if size > self._limit:
            self.is_too_large = True
            self._content.clear()
        self._check_size()
        self._content.extend(bytes(max(0, size - self.size)))

    def _check_size(self) -> None:
        if self.is_too_large:
            raise SFTPFailure(f"more than {self._limit} bytes are not accepted; file not taken")
