"""A station sends its backlog: many files measured long ago within minutes.

It explains why old averages change; over when no such file came for a while.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding, FindingState, minutes, show_time
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    NEVER,
    ArrivedFile,
    CauseKey,
    Context,
    OpenAlert,
    WatchedStation,
)


class _State(FindingState):
    """The late files of the last minutes."""

    __slots__ = ("_begins_at", "_late", "_late_at")

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._late: list[int] = []
        """Times of receipt of the late files within the window, in milliseconds: each is another file."""
        self._begins_at = NEVER
        """When the files of a backlog became too many ..."""
        self._late_at = NEVER
        """... and when watch took the last of them."""

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        received_at, rules, now = file.received_at, context.rules, context.now
        is_late = file.newest_made_at != NEVER and received_at - file.newest_made_at >= rules.late
        # Read again long after it came, a file is no news.
        if file.revision or not is_late or now - received_at >= rules.late:
            return
        if self._begins_at != NEVER and now - self._late_at >= rules.backlog_window:
            self._begins_at, self._late = NEVER, []
        self._late_at = now
        if self._begins_at != NEVER:
            return
        received = {file.received_ms, *self._late}
        start = max(received) - 1000 * rules.backlog_window
        self._late = sorted(time for time in received if time > start)
        if len(self._late) > rules.backlog_files:
            self._begins_at = self._late[rules.backlog_files] // 1000

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        self._begins_at, self._late_at = alert.opened_at, now

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        if self._begins_at == NEVER or now - self._late_at >= rules.backlog_window:
            return
        facts: dict[str, str | float] = {
            "files": rules.backlog_files + 1,
            "window_minutes": minutes(rules.backlog_window),
            "late_minutes": minutes(rules.late),
        }
        detail = (
            f"More than {rules.backlog_files} files measured over {minutes(rules.late)} minutes before came "
            f"within {minutes(rules.backlog_window)} minutes to {show_time(self._begins_at)}."
        )
        yield Finding(self._begins_at, detail, facts, "info")


CAUSE = Cause("backlog-arriving", _State, "No file of the backlog has come for {window_minutes} minutes.")
