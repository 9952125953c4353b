"""The files a logger has measured and the server has not acknowledged, in a folder of their own."""

from pathlib import Path

_UNFINISHED = ".part"


class Backlog:
    """A folder of station files; a file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def add(self, name: str, content: bytes) -> None:
        """Keep a file until it is removed."""
        unfinished = self._folder / (name + _UNFINISHED)
        unfinished.write_bytes(content)
        unfinished.replace(self._folder / name)

    def names(self) -> list[str]:
        """Return the names of all files, oldest first: the time ends the name."""
        return sorted(path.name for path in self._folder.iterdir() if path.suffix != _UNFINISHED)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self._folder / name).read_bytes()

    def remove(self, name: str) -> None:
        """Forget a file that was acknowledged."""
        (self._folder / name).unlink(missing_ok=True)
