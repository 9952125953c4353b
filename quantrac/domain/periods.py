"""The lengths of averages, apart from how they are computed (:mod:`quantrac.domain.averaging`)."""

from enum import StrEnum


class Period(StrEnum):
    """Lengths of averages."""

    HOUR = "hour"
    EIGHT_HOURS = "8h"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
