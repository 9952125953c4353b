"""When the causes of alerts begin and end to hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchRules:
    """The numbers that causes compare with; source, where none is named: default, unverified."""

    grace: int = 900
    """Seconds past the expected file before a station is silent; source: the national software's habit."""
    parameter_grace: int = 3600
    """Seconds that a parameter may stay out of the station's files: slow analysers give a value every half
    hour."""
    completeness: float = 0.75
    """Share of the readings of 24 hours that must count."""
    completeness_margin: float = 0.05
    """How far above that share an incomplete station has to come."""
    late: int = 3600
    """Seconds from measurement to receipt from which a file is of a backlog; its values open no warning."""
    backlog_files: int = 12
    """More late files than this ..."""
    backlog_window: int = 600
    """... within so many seconds are a backlog; it is over when none came for as long."""
    calm: int = 1800
    """Seconds without a value at a warning level before the alert falls below that level."""
    growth: float = 0.1
    """How much the ratio to a limit grows before the alert of an exceedance is updated."""
    rest: int = 60
    """Seconds that data have to be at rest, and what did not come has to be found, before an alert opens."""
    rejects: int = 7200
    """Seconds after the last rejected line of a reason, or the last file of no station, before it is over."""
