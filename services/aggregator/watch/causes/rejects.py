"""Lines of a station's files give no reading, or files of an account belong to no station.

One alert a reason. It begins with a file that has rejects of the reason, and is over when for some time no
file has any, or when the file that had them last is read again without them: a mended registry or parser
needs nobody to close it. A file read again long after it came opens nothing.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding, FindingState, States, minutes, write_time
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    ArrivedFile,
    CauseKey,
    Context,
    Database,
    OpenAlert,
    WatchedStation,
    iterate_rows,
)

# A reject counts only while its file's row names its line: the newest reading of the file does.
REJECTS_SQL = """
SELECT station, if(station = '', account, '') AS sender, reason,
  toUnixTimestamp64Milli(max(received_at)) AS received, argMax(detail, (received_at, -line)) AS sentence,
  argMax(name, received_at) AS file
FROM
(
    SELECT station, received_at, file_id, line, reason, detail FROM rejects FINAL
    WHERE received_at >= fromUnixTimestamp64Milli(toInt64({start:UInt64}), 'UTC')
) AS lines
GLOBAL INNER JOIN
(
    SELECT station, received_at, file_id, name, account, rejected_lines FROM files FINAL
    WHERE received_at >= fromUnixTimestamp64Milli(toInt64({start:UInt64}), 'UTC') AND rejects > 0
      AND transport != 'import'
) AS heads USING (station, received_at, file_id)
WHERE has(rejected_lines, line)
GROUP BY station, sender, reason
"""

# A reject that came so long ago (s) and is not stored is none any more; the sink may be behind by less.
_STORED_AFTER = 600


@dataclass(slots=True)
class _Rejects:
    """The rejects of one reason."""

    since: int
    """Receipt of the file they began with, in seconds since 1970."""
    last_ms: int
    """Receipt of the last file that has any, in milliseconds."""
    detail: str
    """Sentence about the first line of that file."""
    file: str
    """Its name."""


class RejectsState(FindingState):
    """The rejects of each reason."""

    __slots__ = ("_reasons",)

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._reasons: dict[str, _Rejects] = {}

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        """Take the rejects of a file; a revision has none of its own."""
        if file.revision:
            return
        details = {reject.reason: reject.detail for reject in reversed(file.rejects)}
        for reason, detail in details.items():
            self.put(reason, file.received_ms, detail, file.name, context.rules, context.now)
        for reason in self._reasons.keys() - details:
            if self._reasons[reason].last_ms == file.received_ms:
                del self._reasons[reason]

    def put(  # noqa: PLR0917
        self, reason: str, received_ms: int, detail: str, file: str, rules: WatchRules, now: int
    ) -> None:
        """Take the rejects of one reason, of the file received at a time (ms)."""
        seconds = received_ms // 1000
        rejects = self._reasons.get(reason)
        if rejects is None:
            if now - seconds < rules.rejects:
                self._reasons[reason] = _Rejects(seconds, received_ms, detail, file)
        elif received_ms >= rejects.last_ms:
            rejects.last_ms, rejects.detail, rejects.file = received_ms, detail, file

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        """Go on with an open alert: with its beginning."""
        rejects = self._reasons.get(key.limit[0])
        if rejects is not None:
            rejects.since = alert.opened_at

    def retain(self, reasons: Collection[str], now: int) -> None:
        """Drop the reasons that are none of these, but for what came just now."""
        for reason in self._reasons.keys() - set(reasons):
            if now - self._reasons[reason].last_ms // 1000 >= _STORED_AFTER:
                del self._reasons[reason]

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        """Yield the reasons of which a file came lately."""
        for reason, rejects in list(self._reasons.items()):
            if now - rejects.last_ms // 1000 >= rules.rejects:
                del self._reasons[reason]
                continue
            yield self._finding(reason, rejects, rules)

    def _finding(self, reason: str, rejects: _Rejects, rules: WatchRules) -> Finding:
        account = self.station.account
        facts: dict[str, str | float] = {
            "reason": reason,
            "file": rejects.file,
            "received_at": write_time(rejects.last_ms // 1000),
            "example": rejects.detail,
            "quiet_minutes": minutes(rules.rejects),
        }
        if account:
            facts["account"] = account
            subject = f"Files of the account {account} belong to no station ({reason})"
        else:
            subject = f"Lines of the station's files give no reading ({reason})"
        detail = f"{subject}, the last in {rejects.file}: {rejects.detail}"
        name = f"{reason}/{write_time(rejects.since)}"
        return Finding(rejects.since, detail, facts, "warning", limit=(reason,), name=name)


def _load(database: Database, states: States, now: int) -> None:
    rows = list(iterate_rows(database.columns(REJECTS_SQL, {"start": (now - states.rules.rejects) * 1000})))
    stored: dict[str, set[str]] = {}
    for row in rows:
        code, account, reason = row["station"], row["sender"], row["reason"]
        state: RejectsState | None = states.of(code) if code else states.of_account(account)
        if state is not None:
            state.put(reason, row["received"], row["sentence"], row["file"], states.rules, now)
            stored.setdefault(state.station.name, set()).add(reason)
    for state in states:
        state.retain(stored.get(state.station.name, ()), now)


LINES = Cause(
    "lines-rejected",
    RejectsState,
    "No file has had such a line for {quiet_minutes} minutes, or it was read again without one.",
    load=_load,
    limit_facts=("reason",),
)
FILES = Cause(
    "files-unassigned",
    RejectsState,
    "No such file has come for {quiet_minutes} minutes, or it was read again and has a station.",
    load=_load,
    limit_facts=("reason",),
    is_of_accounts=True,
)
