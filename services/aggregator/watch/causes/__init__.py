"""The causes of alerts, one module each, all of one shape (``cause.Cause``).

A cause finds what holds now; that alerts open, change and close follows in one place for all
(``services.aggregator.watch.judge``).
"""

from services.aggregator.watch.causes import (
    backlog,
    completeness,
    exceedance,
    parameter_silence,
    silence,
    stuck,
    warning,
)
from services.aggregator.watch.causes.cause import Cause

CAUSES: tuple[Cause, ...] = (
    silence.CAUSE,
    parameter_silence.CAUSE,
    completeness.CAUSE,
    stuck.CAUSE,
    exceedance.CAUSE,
    warning.CAUSE,
    backlog.CAUSE,
)
