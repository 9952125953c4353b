"""What somebody has decided about the pollution of the water body that a station measures."""

from dataclasses import dataclass
from enum import StrEnum

from quantrac.domain.registry.validity import Valid


class Pollution(StrEnum):
    """Pollution of a water body that changes how VN_WQI is computed (Decision 1460/QĐ-TCMT)."""

    ORGANIC = "organic"
    """Organic pollution needs attention: group IV counts twice (formula 5)."""
    PESTICIDES = "pesticides"
    """There is no index without group II."""
    METALS = "metals"
    """There is no index without group III."""


@dataclass(frozen=True, slots=True)
class KnownPollution(Valid):
    """One kind of pollution of a water body, while it is known."""

    kind: Pollution
