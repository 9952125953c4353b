"""The causes of alerts, one module each, all of one shape (``cause.Cause``).

A cause is whole in its module: what it remembers of a station, how messages change that, how it comes back
after a start, and when it holds. That alerts open, change and close follows in one place for all
(``services.aggregator.watch.judge``). A new cause is one module and one row of :data:`CAUSES`.
"""

from collections.abc import Mapping

from services.aggregator.watch.causes import (
    backlog,
    completeness,
    exceedance,
    parameter_silence,
    rejects,
    silence,
    stuck,
    warning,
)
from services.aggregator.watch.causes.cause import Cause
from services.aggregator.watch.state import WatchedStation

CAUSES: tuple[Cause, ...] = (
    silence.CAUSE,
    parameter_silence.CAUSE,
    completeness.CAUSE,
    stuck.CAUSE,
    exceedance.CAUSE,
    warning.CAUSE,
    backlog.CAUSE,
    rejects.LINES,
    rejects.FILES,
)

BY_KIND: Mapping[str, Cause] = {cause.kind: cause for cause in CAUSES}


def new_station(code: str) -> WatchedStation:
    """Return a station of which nothing is known yet."""
    station = WatchedStation(code)
    station.states |= {cause.kind: cause.state(station) for cause in CAUSES if not cause.is_of_accounts}
    return station


def new_account(name: str) -> WatchedStation:
    """Return an account of which nothing is known yet."""
    account = WatchedStation("", name)
    account.states |= {cause.kind: cause.state(account) for cause in CAUSES if cause.is_of_accounts}
    return account
