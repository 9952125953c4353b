"""What goes wrong at simulated stations, and when: a function of seed, station, parameter and time.

Lasting faults lie in windows within a day of UTC; the shares are days with such a window. In a fleet of 200
series about two are calibrating, one is stuck and one reports an error at any time, and each hour brings
a few spikes and broken numbers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from quantrac.domain.times import DAY
from quantrac.local.simulator.moment import Moment
from quantrac.local.simulator.noise import uniform

_SPIKE_SHARE = 1 / 900
_GARBLED_SHARE = 1 / 900


class Fault(Enum):
    """A fault of one parameter."""

    DEVICE_ERROR = "the analyser reports an error (status 02) and repeats its last value"
    CALIBRATION = "zero gas, then span gas (status 01)"
    STUCK = "the analyser repeats one value and reports nothing (status 00)"
    SPIKE = "one reading far too high"
    GARBLED = "one number that is none, such as 12,4x"


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    share: float
    """Share of days that have one such window."""
    shortest: float
    """Minutes."""
    longest: float


_LASTING = {
    Fault.DEVICE_ERROR: _Kind("device error", 0.04, 60, 240),
    Fault.CALIBRATION: _Kind("calibration", 0.5, 20, 45),
    Fault.STUCK: _Kind("stuck", 0.04, 180, 480),
}
_SILENCE = _Kind("silence", 0.12, 60, 60)
_OUTAGE = _Kind("outage", 0.2, 120, 300)


@dataclass(frozen=True, slots=True)
class Window:
    """When a lasting fault holds."""

    start: datetime
    length: timedelta

    def part(self, time: datetime) -> float:
        """Return how far the window has passed, 0 to 1 inside."""
        return (time - self.start) / self.length


def lasting_fault(m: Moment, parameter: str) -> tuple[Fault, Window] | None:
    """Return the lasting fault of a parameter at a moment, the gravest first, or ``None``."""
    for fault, kind in _LASTING.items():
        window = _window(m, kind, parameter)
        if window is not None:
            return fault, window
    return None


def passing_fault(m: Moment, parameter: str) -> Fault | None:
    """Return the fault of this one reading, or ``None``."""
    chance = uniform(m.seed, m.station, parameter, m.seconds, "passing")
    if chance < _SPIKE_SHARE:
        return Fault.SPIKE
    return Fault.GARBLED if chance < _SPIKE_SHARE + _GARBLED_SHARE else None


def is_silent(m: Moment) -> bool:
    """Tell whether the station's line is down; what it measures meanwhile is sent afterwards."""
    return _window(m, _SILENCE, "line") is not None


def is_off(m: Moment) -> bool:
    """Tell whether the station is without power: it measures nothing, and there is nothing to send later.

    Of the past only: in a demo's present every logger is there to be looked at.
    """
    return _window(m, _OUTAGE, "power") is not None


def _window(m: Moment, kind: _Kind, parameter: str) -> Window | None:
    """Return the window of this kind that holds at a moment; a day has one at most."""
    day, second = divmod(m.seconds, DAY)
    happens, where, size = (
        uniform(m.seed, m.station, parameter, kind.name, day, draw) for draw in ("happens", "where", "size")
    )
    if happens >= kind.share:
        return None
    length = 60 * (kind.shortest + (kind.longest - kind.shortest) * size)
    start = (DAY - length) * where
    if not start <= second < start + length:
        return None
    return Window(m.local - timedelta(seconds=second - start), timedelta(seconds=length))
