"""What stands for a value that the format of a file could not read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No model takes it; it says why there is no value."""

    sentence: str
