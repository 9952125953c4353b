"""Records as files hold them, before they are judged, and where each of their values stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Path = tuple[str | int, ...]
"""Keys, and places in lists counted from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A line of a file, or a cell of a workbook; locations are in order as a person reads them."""

    file_number: int
    position: tuple[int, ...]
    """Line, or number of the sheet, row and column."""
    file: str = field(compare=False)
    spot: str = field(compare=False, default="")
    """``line 11``; empty for a file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}, {self.spot}" if self.spot else self.file


class Source(Protocol):
    """Where the values of one entry stand."""

    def locate(self, path: Path = ()) -> Location:
        """Return the location of the value at a path, or of what it leads to last."""

    def misreading(self, path: Path, *, shown: bool) -> str:
        """Say how the file's format reads what stands at a path otherwise than written; empty for as written.

        With ``shown`` false without what stands there.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a file."""

    key: str
    """``stations`` or ``accounts``."""
    number: int
    """In its list, from 1."""
    value: Any
    source: Source

    @property
    def name(self) -> str:
        """The station's code or the account's name, else its place in the list."""
        if isinstance(self.value, dict):
            name = self.value.get("code" if self.key == "stations" else "name")
            if isinstance(name, str) and name:
                return name
        return f"{self.key}.{self.number}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said of a value: a mistake, or a remark about what is unusual."""

    location: Location
    names: tuple[str, ...]
    """Of the records it is about: several may share one value."""
    path: Path
    """Places in lists counted from 1."""
    sentence: str

    def __str__(self) -> str:
        parts = [str(self.location), ", ".join(self.names), ".".join(map(str, self.path)), self.sentence]
        return ": ".join(filter(None, parts))


def count_from_one(path: Sequence[str | int]) -> Path:
    """Return a path as people read it."""
    return tuple(part + 1 if isinstance(part, int) else part for part in path)


def count_from_zero(path: Sequence[str | int]) -> Path:
    """Undo :func:`count_from_one`."""
    return tuple(part - 1 if isinstance(part, int) else part for part in path)


def value_at(value: Any, path: Sequence[str | int]) -> Any:
    """Return what stands at a path, ``None`` where it leads nowhere."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
