"""Files and folders that only the user of this process can read."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def keep_files_private() -> None:
    """Let everything this process and its children make from now on be readable by their user only."""
    os.umask(0o077)


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step by one of mode 0600; what stood there keeps neither mode nor link."""
    temporary = file.with_name(f"{file.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)
    temporary.replace(file)


def create_private(file: Path) -> BinaryIO:
    """Open a new file of mode 0600 for writing; raises ``FileExistsError`` where one is there."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, and let in nobody but its owner.

    A folder of another owner, as a mounted volume may be, stays as it is. Raises ``OSError``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(PermissionError):
        folder.chmod(0o700)
