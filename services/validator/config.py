"""Settings of the validator, from ``QUANTRAC_<NAME>``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from quantrac.io.settings import ServiceSettings
from schemas.rules import NATIONAL


class ValidatorSettings(ServiceSettings):
    """Beside those of every service."""

    rules: Path = NATIONAL
    """File or folder of the rule set that judges where no activation in the registry applies."""
    memory_tail: Annotated[int, Field(ge=0)] = 8_000
    """Messages of a partition's output read back at assignment: 16 files of 333 stations and some room."""
    rejudge_batch: Annotated[int, Field(ge=1)] = 100
    """Requests judged together."""
    rejudge_gather_seconds: Annotated[float, Field(ge=0)] = 0.5
    """How long requests are gathered: those of one station often meet and are answered together."""
