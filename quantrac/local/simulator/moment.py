"""One station at one time: what a course is a function of."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from quantrac.domain.times import HOUR, to_whole_seconds
from quantrac.local.simulator.noise import normal, smooth, uniform


@dataclass(frozen=True, slots=True)
class Moment:
    """A time at a station; all its randomness is a function of seed, station and time."""

    local: datetime
    """Aware, in the station's zone."""
    seed: int
    station: str

    @property
    def hour(self) -> float:
        """Hour of the local day, 0 to 24, with its fraction."""
        return self.local.hour + self.local.minute / 60 + self.local.second / 3600

    @property
    def seconds(self) -> int:
        """Whole seconds since 1970 UTC."""
        return to_whole_seconds(self.local)

    @property
    def city(self) -> "Moment":
        """The same moment for what all stations share, such as the weather."""
        return replace(self, station="")

    def level(self, name: str, spread: float = 0.2) -> float:
        """Return the station's own factor, 1 ± spread, the same at all times."""
        return 1 + spread * (2 * uniform(self.seed, self.station, name, "level") - 1)

    def drift(self, name: str, hours: float) -> float:
        """Return slow noise between -1 and 1 that changes over ``hours``."""
        return smooth(self.seconds / (HOUR * hours), self.seed, self.station, name, "drift")

    def noise(self, name: str) -> float:
        """Return the scatter of one measurement: standard normal, within ±3."""
        return normal(self.seed, self.station, name, self.seconds)

    def scatter(self, name: str, value: float, share: float = 0.03) -> float:
        """Return ``value`` with the scatter of an instrument, a ``share`` of the value."""
        return value * (1 + share * self.noise(name))

    def wave(self, peak_hour: float, period: float = 24) -> float:
        """Return a cosine between -1 and 1 that peaks at ``peak_hour``, every ``period`` hours."""
        return math.cos(2 * math.pi * (self.hour - peak_hour) / period)


Course = Callable[[Moment], float]
"""A parameter's undisturbed value, in the unit of the demo registry."""
