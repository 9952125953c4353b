"""One thing that is wrong with a record, or unusual in it, and where in the record it stands."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about one value."""

    path: tuple[str | int, ...]
    """Keys, and places in lists counted from 1: ``("parameters", 2, "unit")``."""
    sentence: str
    other: tuple[str | int, ...] = ()
    """Where the record stands that the value is at odds with, as the sentence names it; empty where the value
    is wrong by itself."""

    def __str__(self) -> str:
        return f"{_dotted(self.path)}: {self.sentence}"

    def moved(self, path: tuple[str | int, ...], other: tuple[str | int, ...]) -> "Problem":
        """Return it for a record in which value and other record stand elsewhere.

        >>> print(Problem(("intervals", 2), "it meets intervals.1", ("intervals", 1)).moved(
        ...     ("intervals", 3), ("intervals", 2)
        ... ))
        intervals.3: it meets intervals.2
        """
        sentence = self.sentence.replace(_dotted(self.other), _dotted(other)) if self.other else self.sentence
        return Problem(path, sentence, other)


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path))
