"""When a file in a watched folder is whole: it has not changed for a while, or was renamed into place.

Nobody tells when another server has finished writing, so the file itself must: size and time of change stay
the same for the time of rest, or it is, unchanged, the very file that lay there under a temporary name.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TEMPORARIES = 10_000


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like from outside."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Look":
        """Take it from the file system's answer."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Wait:
    look: Look
    due: float


class Resting:
    """Follows files until they are whole. Times are of a monotonic clock, in seconds."""

    def __init__(self, rest_seconds: float, is_temporary: Callable[[str], bool]) -> None:
        self._rest, self._is_temporary = rest_seconds, is_temporary
        self._waiting: dict[Path, _Wait] = {}
        self._temporaries: OrderedDict[tuple[int, int], Look] = OrderedDict()

    def see(self, path: Path, look: Look, now: float) -> None:
        """Note how a file looks; one with a temporary name is only remembered."""
        file = (look.device, look.inode)
        if self._is_temporary(path.name):
            self._temporaries[file] = look
            self._temporaries.move_to_end(file)
            if len(self._temporaries) > _TEMPORARIES:
                self._temporaries.popitem(last=False)
            return
        wait = self._waiting.get(path)
        if wait is None or wait.look != look:
            renamed = self._temporaries.pop(file, None) == look
            self._waiting[path] = _Wait(look, now if renamed else now + self._rest)

    def due(self, now: float) -> list[Path]:
        """Return the files to look at once more, in the order of their names: loggers count upwards."""
        return sorted(path for path, wait in self._waiting.items() if wait.due <= now)

    def is_whole(self, path: Path, look: Look, now: float) -> bool:
        """Tell whether a file that is due still looks the same; if not, its rest begins anew."""
        self.see(path, look, now)
        return self._waiting[path].due <= now

    def postpone(self, path: Path, now: float) -> None:
        """Look at a file again after another rest."""
        self._waiting[path] = _Wait(self._waiting[path].look, now + self._rest)

    def forget(self, path: Path) -> None:
        """Follow a file no more."""
        self._waiting.pop(path, None)
