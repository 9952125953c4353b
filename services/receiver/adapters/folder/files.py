"""Lists, reads and moves the files of a watched folder. No link is followed anywhere."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from services.receiver.adapters.folder.stable_files import FileState

# Where a system has no such flags, the check of the state before the opening has to do.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def list_files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder; folders that begin with a dot are skipped."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names)


def read_state(path: Path) -> FileState | None:
    """Return the state of a regular file; ``None`` for links, folders and files that do not exist."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return FileState.from_status(status) if stat.S_ISREG(status.st_mode) else None


def read(path: Path, expected: FileState) -> bytes | None:
    """Return the content, or ``None`` when it changed meanwhile; raises ``OSError``."""
    with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as file:
        content = file.read(expected.size + 1)
        unchanged = FileState.from_status(os.fstat(file.fileno())) == expected
    return content if unchanged else None


def move(path: Path, target: Path) -> None:
    """Move a file without overwriting another one; raises ``OSError`` (also across file systems)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, free_path = 0, target
    while free_path.exists():
        number += 1
        free_path = target.with_name(f"{target.name}.{number}")
    path.rename(free_path)
