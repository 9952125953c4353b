"""What somebody has decided about the pollution of the water body that a station measures."""

from pydantic import Field

from quantrac.domain.registry import pollution as domain
from schemas.messages.registry.fields import Dated, fields_of


class KnownPollution(Dated):
    """One kind of pollution of a water body, while it is known."""

    kind: domain.Pollution = Field(examples=["organic"])
    """``organic``: VN_WQI weighs organics and nutrients twice (formula 5); ``pesticides``, ``metals``: there
    is none without group II, III (Decision 1460/QĐ-TCMT)."""

    def to_domain(self) -> domain.KnownPollution:
        """Convert for use."""
        return domain.KnownPollution(**fields_of(self))
