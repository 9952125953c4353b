"""People's flags, which win over those of the tests."""

from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.readings import Flag


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A decision taken back."""

    by: str
    why: str
    at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's flag for the readings of a span of a station; it wins over every test."""

    id: str
    station: str
    start: datetime
    """Inclusive, by the time of measurement, UTC."""
    end: datetime
    """Exclusive, UTC."""
    flag: Flag
    by: str
    why: str
    decided_at: datetime
    """UTC; of several decisions about a reading the last one counts."""
    parameters: tuple[str, ...] = ()
    """Catalogue codes; none = all."""
    withdrawn: Withdrawal | None = None

    def covers(self, parameter: str, time: datetime) -> bool:
        """Tell whether a parameter's reading of ``time`` (UTC) is meant."""
        return self.start <= time < self.end and (not self.parameters or parameter in self.parameters)
