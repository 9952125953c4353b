"""One thing that is wrong with a record, or unusual in it, and where in the record it stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about one value."""

    path: tuple[str | int, ...]
    """Keys, and places in lists counted from 1: ``("parameters", 2, "unit")``."""
    sentence: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.sentence}"
