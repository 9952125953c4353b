"""Rule sets put in force."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A rule set put in force; which readings it judges is said by one of the two spans."""

    id: str
    version: str
    """Of the rule set."""
    content: str
    """The whole rule set, as :attr:`schemas.rules.RuleSet.content` writes it."""
    by: str
    why: str
    activated_at: datetime
    """UTC; of several activations that apply to a reading the last one counts."""
    received_from: datetime | None = None
    """Judges every set received at or after this time, UTC."""
    measured_from: datetime | None = None
    """Judges every reading measured at or after this time, UTC ..."""
    measured_to: datetime | None = None
    """... and before this one."""

    def applies(self, received_at: datetime, measured_at: datetime) -> bool:
        """Tell whether it judges a reading; both times UTC."""
        if self.received_from is not None:
            return self.received_from <= received_at
        return (self.measured_from is None or self.measured_from <= measured_at) and (
            self.measured_to is None or measured_at < self.measured_to
        )
