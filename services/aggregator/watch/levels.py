"""Which levels single values of a station are compared with: the registry's, else shares of its limits."""

from collections.abc import Mapping
from datetime import datetime

from quantrac.domain.limits import LimitBook, WarningShares, warning_levels
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.units import canonical_unit
from services.aggregator.watch.state import LevelsOf


def levels_of(book: LimitBook, shares: WarningShares) -> LevelsOf:
    """Return what tells a station's levels at a time (UTC), by (parameter, unit) of the registry.

    A limit in another unit than the parameter's is left out.
    """

    def levels(station: Station, at: datetime) -> Mapping[tuple[str, str], WarningLevels]:
        limits = book.limits_of(station, at)
        found: dict[tuple[str, str], WarningLevels] = {}
        for each in station.parameters:
            if each.valid_at(at):
                unit = canonical_unit(each.unit) or each.unit
                own = [limit for limit in limits if (limit.parameter, limit.unit) == (each.code, unit)]
                if (level := warning_levels(own, each.warning_levels, shares)) is not None:
                    found[each.code, unit] = level
        return found

    return levels
