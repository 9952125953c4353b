"""What the sender needs of a target for files, and the three errors it may answer with."""

from typing import Protocol


class TargetError(Exception):
    """A file was not sent; the text says why, in a line."""


class CouldNotConnect(TargetError):
    """The target was not reached, showed the wrong key or certificate, or refused the login."""


class TransferError(TargetError):
    """The transfer broke off, the target has no room, or it has another size than was sent."""


class FileRefused(TargetError):
    """The target refuses this file or its folder, for as long as nobody changes something there."""


class FileTarget(Protocol):
    """A server that takes files; for one thread."""

    def send(self, folder: str, name: str, content: bytes) -> None:
        """Store a file, and return once the target has all of it under its final name.

        It is written under a temporary name, its size is compared, then it is renamed; a file of that name is
        replaced. Folders are made where they are missing. Raises a :class:`TargetError`.
        """
        ...

    def close(self) -> None:
        """Take leave of the server; the next file opens a connection anew."""
        ...


TEMPORARY = ".tmp"
"""What a file's name ends with until it is whole: receivers that scan folders leave such names alone."""

_LONGEST_REASON = 300


def describe(error: BaseException) -> str:
    """Return what an error says, in one line, for a person."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) or not text:
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return text[:_LONGEST_REASON]
