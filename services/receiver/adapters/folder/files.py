"""Files of a watched folder: found, looked at, read and put away. No link is followed anywhere."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from services.receiver.adapters.folder.stable_files import Look

# Where a system has no such flag, the look before the opening has to do.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file; dotted folders are another server's business."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names)


def look(path: Path) -> Look | None:
    """Tell what a regular file looks like; ``None`` for anything else, gone files and links among it."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return Look.of(status) if stat.S_ISREG(status.st_mode) else None


def read(path: Path, expected: Look) -> bytes | None:
    """Return the content, or ``None`` when it changed meanwhile; raises ``OSError``."""
    with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as file:
        content = file.read(expected.size + 1)
        unchanged = Look.of(os.fstat(file.fileno())) == expected
    return content if unchanged else None


def move(path: Path, target: Path) -> None:
    """Put a file away without overwriting another one; raises ``OSError`` (also across file systems)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, free = 0, target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.name}.{number}")
    path.rename(free)
