"""When a file in a watched folder is complete: it has not changed for a while, or was renamed into place.

The other server does not say when it has finished writing, so the file itself must tell: its size and time of
change stay the same for the time of rest, or it is, unchanged, a file that was there under a temporary name.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MAX_TEMPORARIES = 10_000


@dataclass(frozen=True, slots=True)
class FileState:
    """What the file system says about a file; it changes when the file does. Size in bytes, time in ns."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def from_status(cls, status: os.stat_result) -> "FileState":
        """Return the state in an answer of ``stat``."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Wait:
    state: FileState
    due: float


class StableFiles:
    """Follows files until they are complete. Times are of a monotonic clock, in seconds."""

    def __init__(self, rest_seconds: float, is_temporary: Callable[[str], bool]) -> None:
        self._rest, self._is_temporary = rest_seconds, is_temporary
        self._waits: dict[Path, _Wait] = {}
        self._temporaries: OrderedDict[tuple[int, int], FileState] = OrderedDict()

    def note(self, path: Path, state: FileState, now: float) -> None:
        """Note the state of a file; one with a temporary name is remembered and not followed."""
        file = (state.device, state.inode)
        if self._is_temporary(path.name):
            self._temporaries[file] = state
            self._temporaries.move_to_end(file)
            if len(self._temporaries) > _MAX_TEMPORARIES:
                self._temporaries.popitem(last=False)
            return
        wait = self._waits.get(path)
        if wait is None or wait.state != state:
            is_renamed = self._temporaries.pop(file, None) == state
            self._waits[path] = _Wait(state, now if is_renamed else now + self._rest)

    def list_due(self, now: float) -> list[Path]:
        """Return the files to check once more, in the order of their names: loggers count upwards."""
        return sorted(path for path, wait in self._waits.items() if wait.due <= now)

    def is_complete(self, path: Path, state: FileState, now: float) -> bool:
        """Tell whether a file that is due has not changed; if it has, its rest begins anew."""
        self.note(path, state, now)
        return self._waits[path].due <= now

    def postpone(self, path: Path, now: float) -> None:
        """Check a file again after another time of rest."""
        self._waits[path] = _Wait(self._waits[path].state, now + self._rest)

    def forget(self, path: Path) -> None:
        """Follow a file no more."""
        self._waits.pop(path, None)
