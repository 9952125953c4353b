"""The kinds of index: what each is made of, its levels, and what is to be said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from quantrac.domain.indices import vn_aqi, vn_wqi
from quantrac.domain.indices.levels import Level
from quantrac.domain.registry.stations import StationType


@dataclass(frozen=True, slots=True)
class IndexKind:
    """An index of automatic stations."""

    name: str
    medium: StationType
    parameters: frozenset[str]
    """Catalogue codes that it looks at."""
    levels: Sequence[Level]
    caveat: str = ""
    """What is to be said wherever the index of an automatic station is shown; empty = nothing."""


VN_AQI = IndexKind("VN_AQI", StationType.AMBIENT_AIR, frozenset(vn_aqi.PARAMETERS), vn_aqi.LEVELS)
VN_WQI = IndexKind(
    "VN_WQI",
    StationType.SURFACE_WATER,
    frozenset({*vn_wqi.SCALES, *vn_wqi.SAME_AS, vn_wqi.TEMPERATURE}),
    vn_wqi.LEVELS,
    vn_wqi.OUTSIDE_THE_DECISION,
)

INDEX_KINDS = {kind.name: kind for kind in (VN_AQI, VN_WQI)}
"""Name -> kind."""
KIND_OF_MEDIUM = {kind.medium: kind for kind in INDEX_KINDS.values()}
