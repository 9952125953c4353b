"""Settings of the validator, from ``QUANTRAC_<NAME>``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from quantrac.io.settings import ServiceSettings
from schemas.rules import NATIONAL

TAIL_FILES = 24
"""Files of each station: those that the memory keeps, and half as many again, for partitions are not even."""


class ValidatorSettings(ServiceSettings):
    """Beside those of every service."""

    rules: Path = NATIONAL
    """File or folder of the rule set that judges where no activation in the registry applies."""
    memory_tail: Annotated[int, Field(ge=0)] = 8_000
    """Messages of a partition's output read back at assignment: 16 files of 333 stations and some room.

    Of a larger registry they are more (:meth:`tail_length`); 0 reads none back.
    """
    rejudge_batch: Annotated[int, Field(ge=1)] = 100
    """Requests judged together."""
    rejudge_gather_seconds: Annotated[float, Field(ge=0)] = 0.5
    """How long requests are gathered: those of one station often meet and are answered together."""

    def tail_length(self, stations: int, partitions: int) -> int:
        """Return how many messages of a partition are read back at assignment."""
        return self.memory_tail and max(self.memory_tail, TAIL_FILES * stations // partitions)
