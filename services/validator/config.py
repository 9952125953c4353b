"""Settings of the validator, from ``QUANTRAC_<NAME>``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from quantrac.io.settings import ServiceSettings
from schemas.rules import NATIONAL


class ValidatorSettings(ServiceSettings):
    """Beside those of every service."""

    rules: Path = NATIONAL
    """File of the rule set; the national defaults when not set."""
    memory_tail: Annotated[int, Field(ge=0)] = 8_000
    """Messages of a partition's output read back at assignment: 16 files of 333 stations and some room."""
