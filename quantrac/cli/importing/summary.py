"""What became of imported history: stored, flagged by which test, rejected for which reason."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quantrac.cli.importing.sending import Sent
from quantrac.cli.shown_times import show_time
from quantrac.domain.readings import Flag
from quantrac.domain.times import from_seconds, to_sql_milliseconds
from quantrac.domain.transports import IMPORT
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.group_progress import GroupProgress

_LOOK_SECONDS, _TELL_SECONDS = 1.0, 5.0
_STALLED_SECONDS = 60.0

_SPAN = """station IN {stations:Array(String)}
  AND received_at >= {first:DateTime64(3, 'UTC')} AND received_at <= {last:DateTime64(3, 'UTC')}"""

_FILES = f"""
SELECT count() AS files FROM files FINAL WHERE {_SPAN} AND transport = '{IMPORT}'
"""  # noqa: S608  # constants of our own

_SERIES = f"""
SELECT station, parameter, count() AS readings, countIf(flag = {Flag.GOOD.value}) AS good,
  countIf(flag = {Flag.SUSPECT.value}) AS suspect, countIf(flag = {Flag.FAIL.value}) AS fail,
  min(measured_at) AS first, max(measured_at) AS last
FROM readings FINAL
WHERE imported AND {_SPAN}
GROUP BY station, parameter
ORDER BY station, parameter
"""  # noqa: S608  # constants of our own

_TESTS = f"""
SELECT station, parameter, outcome.1 AS test, count() AS readings
FROM readings FINAL
ARRAY JOIN JSONExtractKeysAndValues(tests, 'UInt8') AS outcome
WHERE imported AND flag IN ({Flag.SUSPECT.value}, {Flag.FAIL.value})
  AND outcome.2 IN ({Flag.SUSPECT.value}, {Flag.FAIL.value}) AND {_SPAN}
GROUP BY station, parameter, test
ORDER BY station, parameter, readings DESC
"""  # noqa: S608  # constants of our own

_REJECTS = f"""
SELECT r.station AS station, r.reason AS reason, count() AS lines,
  any(concat(f.name, ', line ', toString(r.line), ': ', r.detail)) AS example
FROM rejects AS r FINAL
INNER JOIN
(
    SELECT station, received_at, file_id, name, rejected_lines FROM files FINAL
    WHERE {_SPAN} AND transport = '{IMPORT}'
) AS f ON r.station = f.station AND r.received_at = f.received_at AND r.file_id = f.file_id
WHERE has(f.rejected_lines, r.line)
GROUP BY station, reason
ORDER BY station, lines DESC
"""  # noqa: S608  # constants of our own


def wait_for_files(database: ClickHouse, sent: Sent, say: Callable[[str], None]) -> bool:
    """Wait until every file that was sent is judged and stored; False where nothing moves for a minute."""
    expected, span = len(sent.identities), span_of(sent)
    return _wait(
        lambda: expected - int(database.query(_FILES, span).rows[0][0]),
        lambda rest: say(f"{expected - rest:,} of {expected:,} files judged and stored"),
    )


def wait_for_flags(progress: Sequence[GroupProgress], say: Callable[[str], None]) -> bool:
    """Wait until nothing waits to be judged again or stored; False where nothing moves for a minute.

    ``progress`` is that of the groups that judge again and store.
    """
    return _wait(
        lambda: sum(map(_lag, progress)),
        lambda rest: say(f"{rest:,} messages wait to be judged again or stored"),
    )


def _wait(remaining: Callable[[], int], tell: Callable[[int], None]) -> bool:
    least, moved_at, told_at = remaining(), time.monotonic(), -_TELL_SECONDS
    rest = least
    while rest > 0:
        if rest < least:
            least, moved_at = rest, time.monotonic()
        if time.monotonic() - moved_at > _STALLED_SECONDS:
            return False
        if time.monotonic() - told_at > _TELL_SECONDS:
            told_at = time.monotonic()
            tell(rest)
        time.sleep(_LOOK_SECONDS)
        rest = remaining()
    return True


def _lag(progress: GroupProgress) -> int:
    ends, committed = progress.end_offsets(), progress.committed_offsets()
    if ends is None or committed is None:
        return 1  # not known: there may be something
    return sum(max(0, end - committed.get(partition, 0)) for partition, end in ends.items())


def describe_stored(database: ClickHouse, sent: Sent) -> Iterator[str]:
    """Yield the lines of a report of what is stored of the files that were sent."""
    span = span_of(sent)
    failed: dict[tuple[str, str], list[str]] = {}
    for row in database.query(_TESTS, span).dicts():
        failed.setdefault((row["station"], row["parameter"]), []).append(f"{row['test']} {row['readings']:,}")
    for row in database.query(_SERIES, span).dicts():
        tests = failed.get((row["station"], row["parameter"]), [])
        yield (
            f"  {row['station']}  {row['parameter']}: {row['readings']:,} readings, "
            f"{show_time(row['first'])} to {show_time(row['last'])}; {row['good']:,} good, "
            f"{row['suspect']:,} suspect, {row['fail']:,} fail{': ' if tests else ''}{', '.join(tests)}"
        )
    for row in database.query(_REJECTS, span).dicts():
        yield f"  {row['station']}  {row['lines']:,} rejected, {row['reason']}; such as {row['example']}"


def span_of(sent: Sent) -> dict[str, Any]:
    """Return what the queries about sent files are bound to."""
    return {
        "stations": sorted(sent.stations),
        "first": to_sql_milliseconds(sent.first or from_seconds(0)),
        "last": to_sql_milliseconds(sent.last or from_seconds(0)),
    }
