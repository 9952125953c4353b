"""The window matrix: one row a judged reading, columns the readings before it in time.

Live, the rows are one Kafka batch over many series; in a replay they are one series. A test sees no
difference.
"""

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Texts: TypeAlias = NDArray[np.object_]
Outcomes: TypeAlias = NDArray[np.uint8]
"""One :class:`~quantrac.domain.readings.Flag` a row."""
Threshold: TypeAlias = float | Floats
"""One number for all rows, or one a row; NaN where there is none."""
Expected: TypeAlias = str | Texts | None
"""One text for all rows, or one a row; ``None`` where there is none."""


@dataclass(frozen=True, slots=True)
class Window:
    """``n`` readings to judge with what was known before each. Times are seconds since 1970 UTC."""

    value: Floats
    """(n,) the judged values."""
    time: Floats
    """(n,) when they were measured."""
    status: Texts
    """(n,) device status as sent."""
    unit: Texts
    """(n,) unit of ``value``."""
    equal_since: Floats
    """(n,) since when the series has shown this very value."""
    past_value: Floats
    """(n, depth) the values before, oldest first; NaN where there is none that the device called good."""
    past_time: Floats
    """(n, depth) their times, each earlier than ``time``; NaN where ``past_value`` is."""

    def __len__(self) -> int:
        return len(self.value)

    @classmethod
    def of(
        cls,
        value: ArrayLike,
        *,
        past: ArrayLike = (),
        past_time: ArrayLike | None = None,
        status: str = "00",
        unit: str = "",
        equal_minutes: ArrayLike = 0.0,
    ) -> Self:
        """Build a window from literals: rows at time 0, ``past`` five minutes apart unless timed.

        ``past`` has shape (depth,) to share it among the rows, or (n, depth); ``equal_minutes`` is how long
        the value has stood.
        """
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        n = len(values)
        shared = np.atleast_2d(np.asarray(past, dtype=np.float64))
        past_value = np.broadcast_to(shared, (n, shared.shape[1]))
        spaced = 300.0 * np.arange(-past_value.shape[1], 0)
        times = np.where(np.isnan(past_value), np.nan, spaced if past_time is None else past_time)
        return cls(
            value=values,
            time=np.zeros(n),
            status=np.full(n, status, dtype=object),
            unit=np.full(n, unit, dtype=object),
            equal_since=np.zeros(n) - 60.0 * np.asarray(equal_minutes, dtype=np.float64),
            past_value=past_value,
            past_time=times.astype(np.float64),
        )


def column(threshold: Threshold) -> Floats:
    """Shape a threshold to compare with a (n, depth) matrix."""
    return np.asarray(threshold, dtype=np.float64).reshape(-1, 1)
