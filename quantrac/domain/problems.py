"""One thing that is wrong with a record, or unusual in it, and where in the record it stands."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about one value."""

    path: tuple[str | int, ...]
    """Keys, and places in lists counted from 1: ``("parameters", 2, "unit")``."""
    sentence: str
    counterpart: tuple[str | int, ...] = ()
    """Where the record stands that the value is at odds with, as the sentence names it; empty where the value
    is wrong by itself."""

    def __str__(self) -> str:
        return f"{_write_path(self.path)}: {self.sentence}"

    def relocate(self, path: tuple[str | int, ...], counterpart: tuple[str | int, ...]) -> "Problem":
        """Return it for a record in which value and counterpart stand elsewhere.

        >>> print(Problem(("intervals", 2), "it meets intervals.1", ("intervals", 1)).relocate(
        ...     ("intervals", 3), ("intervals", 2)
        ... ))
        intervals.3: it meets intervals.2
        """
        sentence = (
            self.sentence.replace(_write_path(self.counterpart), _write_path(counterpart))
            if self.counterpart
            else self.sentence
        )
        return Problem(path, sentence, counterpart)


def _write_path(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))
