"""Something loaded from files, such as a certificate and its key, loaded again when they change."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Content = TypeVar("Content")

_State = list[tuple[int, int, int]]


class RenewedFiles(Generic[Content]):
    """What ``load`` makes of some files, as they are now.

    ``load`` raises ``OSError`` or ``ValueError`` where the files cannot be used. At the start that is passed
    on; later it is logged once a change, and what was loaded before stays in use: between two copies a
    certificate and its key do not fit together for a moment.
    """

    def __init__(self, files: Sequence[Path], load: Callable[[], Content]) -> None:
        self._files, self._load = files, load
        self._state = self._refused_state = self._read_state()
        self._content = load()

    def get(self) -> Content:
        """Return the content; looks at the files each time, which costs some microseconds."""
        try:
            state = self._read_state()
        except OSError as error:
            log.warning("%s cannot be looked at, what was loaded before stays: %s", self._files[0], error)
            return self._content
        if state not in (self._state, self._refused_state):
            try:
                self._content, self._state = self._load(), state
                log.info("%s is in use", self._files[0])
            except (OSError, ValueError) as error:
                self._refused_state = state
                log.warning("the new %s cannot be used, the old one stays: %s", self._files[0], error)
        return self._content

    def _read_state(self) -> _State:
        stats = [path.stat() for path in self._files]
        return [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]
