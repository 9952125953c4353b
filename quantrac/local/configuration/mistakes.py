"""What is wrong with a configuration file: every mistake with its line and its key."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from quantrac.local.errors import LocalError


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake: the line counted from 1, the key as ``section.key``, and what is wrong in words."""

    line: int
    key: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key}: {self.problem}" if self.key else self.problem


class ConfigurationError(LocalError):
    """The file cannot be used; the message names every mistake, one a line."""

    def __init__(self, file: Path, mistakes: Iterable[Mistake]) -> None:
        lines = [str(mistake) for mistake in sorted(mistakes)]
        if len(lines) == 1:
            super().__init__(f"{file}: {lines[0]}")
        else:
            super().__init__("\n  ".join([f"{file}: {len(lines)} mistakes", *lines]))
