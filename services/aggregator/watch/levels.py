"""Which levels single values of a station are compared with: the registry's, else shares of its limits."""

from collections.abc import Mapping
from datetime import datetime

from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.units import canonical_unit
from quantrac.domain.warning_levels import WarningShares, warning_levels
from services.aggregator.watch.state import LevelsOf


def levels_of(book: LimitBook, shares: WarningShares) -> LevelsOf:
    """Return the function that gives a station's levels at a time (UTC), by (parameter, unit).

    A limit in another unit than the parameter's is left out.
    """

    def levels(station: Station, time: datetime) -> Mapping[tuple[str, str], WarningLevels]:
        limits = book.limits_of(station, time)
        by_unit: dict[tuple[str, str], WarningLevels] = {}
        for parameter in station.parameters:
            if parameter.valid_at(time):
                unit = canonical_unit(parameter.unit) or parameter.unit
                judging = [x for x in limits if (x.parameter, x.unit) == (parameter.code, unit)]
                if (level := warning_levels(judging, parameter.warning_levels, shares)) is not None:
                    by_unit[parameter.code, unit] = level
        return by_unit

    return levels
