"""A station sends its backlog: many files measured long ago within minutes.

Told so that nobody wonders why old averages change; over when none came for a while.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding, minutes
from services.aggregator.watch.state import NEVER, Watched, WatchRules, iso


def _found(watched: Watched, _entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
    if watched.backlog_at == NEVER or now - watched.late_at >= rules.backlog_window:
        return
    facts: dict[str, str | float] = {
        "files": rules.backlog_files + 1,
        "window_minutes": minutes(rules.backlog_window),
        "late_minutes": minutes(rules.late),
    }
    detail = (
        f"More than {rules.backlog_files} files measured over {minutes(rules.late)} minutes before came "
        f"within {minutes(rules.backlog_window)} minutes to {iso(watched.backlog_at)}."
    )
    yield Finding(watched.backlog_at, detail, facts, "info")


CAUSE = Cause("backlog-arriving", _found, "No file of the backlog has come for {window_minutes} minutes.")
