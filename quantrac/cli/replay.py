"""``quantrac replay``: read stored files again, judge stored readings again, or average them again."""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import look_up_stations
from quantrac.cli.registry_topic import read_registry
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import TIME
from quantrac.domain.ids import traceparent
from quantrac.domain.rejects import look_up_reason
from quantrac.domain.times import to_sql_milliseconds
from quantrac.errors import UserError

if TYPE_CHECKING:  # the clients are imported when something is asked of them: a second and more
    from quantrac.io.clickhouse import ClickHouse
    from quantrac.io.records import Record

_PAGE = 500

# The driver would decode the column as text; bytes pass as base64.
_FILES = """
SELECT station, file_id, received_at, name, path, account, transport, marks, base64Encode(content) AS encoded
FROM raw_files FINAL
WHERE received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (received_at, station, file_id)
    > ({after_time:DateTime64(3, 'UTC')}, {after_station:String}, {after_file:String})
  AND (empty({stations:Array(String)}) OR station IN {stations:Array(String)} OR (file_id, received_at) IN
      (SELECT file_id, received_at FROM files WHERE station IN {stations:Array(String)}))
  AND ({reason:String} = '' OR (file_id, received_at) IN
      (SELECT file_id, received_at FROM rejects WHERE reason = {reason:String}
       AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}))
ORDER BY received_at, station, file_id
LIMIT {limit:UInt32}
"""


@click.command()
@click.option(
    "--stage",
    type=click.Choice(["parse", "validator", "windows"]),
    required=True,
    help="Read files again, judge readings again, or compute averages again.",
)
@click.option(
    "--station",
    "stations",
    multiple=True,
    metavar="CODE",
    help="Only this station; several times for several; by default all.",
)
@click.option(
    "--from",
    "start",
    type=TIME,
    required=True,
    help="Files received, or readings measured, at this time or after.",
)
@click.option("--to", "end", type=TIME, help="Files received, or readings measured, before; by default now.")
@click.option(
    "--dry-run", is_flag=True, help="Only count the files or hours; only show which flags would change."
)
@click.option(
    "--reason",
    default="",
    metavar="CODE",
    help="--stage parse: only files with a line rejected for this reason.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True),
    help="--stage validator: judge by this rule file or folder; by default by the rules in force.",
)
@click.option("--publish", "published", is_flag=True, help="--stage validator: change the flags.")
@click.option("--why", default="", help="--stage validator: reason of --publish, for the log.")
@click.option("--by", help="--stage validator: who decides; by default the user logged in.")
@one_sentence
@target_options
def replay(
    *,
    stage: str,
    stations: tuple[str, ...],
    start: datetime,
    end: datetime | None,
    dry_run: bool,
    reason: str,
    rules: Path | None,
    published: bool,
    why: str,
    by: str | None,
    target: Target,
) -> None:
    """Read stored files, judge readings or compute averages again, by the program and the registry of now.

    Files (--stage parse) go through the lane of the backlog, under the same ids and times of receipt: what
    they gave before is replaced, and nothing is counted twice.

    Readings (--stage validator) are judged where they are stored: --dry-run shows what would change,
    --publish puts the rules in force for the span and sends the readings whose flag changes; their averages
    reopen.

    Averages (--stage windows) of every hour that holds readings are computed again with all that is made of
    them: after a change of an interval in the registry, of what stamps mean, or of who publishes an index.
    What comes out as before is not written; live hours go on beside it.

    \b
      quantrac replay --stage parse --from 2026-03-01 --reason unknown-unit
      quantrac replay --stage validator --from 2026-03-01 --to 2026-04-01 --rules my-rules/ --dry-run
      quantrac replay --stage windows --station HN_DEMO_KHI001 --from 2026-03-25T07:00+07:00
    """
    until = end or datetime.now(UTC)
    if start >= until:
        raise UserError("--from must lie before --to")
    if stage == "parse":
        if rules or published:
            raise UserError("--rules and --publish belong to --stage validator")
        code = look_up_reason(reason) if reason else ""
        _replay_files(target, _codes_of(target, stations), start, until, code, dry_run=dry_run)
        return
    if stage == "windows":
        if rules or published or reason:
            raise UserError("--rules, --publish and --reason do not belong to --stage windows")
        from quantrac.cli import replay_windows

        period = replay_windows.Period(start, until, _codes_of(target, stations))
        replay_windows.recompute(target, period, dry_run=dry_run)
        return
    from quantrac.cli import replay_validator

    if reason:
        raise UserError("--reason belongs to --stage parse")
    if dry_run == published:
        raise UserError("give either --dry-run, to see what would change, or --publish")
    request = replay_validator.Replay(start, until, stations, rules)
    if dry_run:
        replay_validator.dry_run(target, request)
    elif not why:
        raise UserError("--publish needs a reason: --why TEXT")
    else:
        replay_validator.publish(target, request, why=why, by=by)


def _codes_of(target: Target, stations: Sequence[str]) -> tuple[str, ...]:
    """Return the registry's codes of stations, none for all; raises UserError for an unknown one."""
    if not stations:
        return ()
    with read_registry(target) as registry:
        return look_up_stations(stations, registry.stations)


def _replay_files(
    target: Target, stations: Sequence[str], start: datetime, end: datetime, reason: str, *, dry_run: bool
) -> None:
    from quantrac.io.clickhouse import ClickHouse, ClickHouseError
    from quantrac.io.kafka.producer import KafkaProducer

    parameters = {
        "stations": list(stations),
        "reason": reason,
        "start": to_sql_milliseconds(start),
        "end": to_sql_milliseconds(end),
    }
    topic = target.topic("raw-file-backlog")
    producer = None if dry_run else KafkaProducer(target.kafka)
    count = 0
    try:
        for page in _pages(ClickHouse(target.clickhouse), parameters):
            count += len(page)
            if producer is not None:
                producer.produce([raw_file(topic, row) for row in page])
                producer.flush()
    except ClickHouseError as error:
        raise UserError(f"after {count} files: ClickHouse: {error}") from error
    echo(f"{count} files {'would be read' if dry_run else 'are being read'} again")


def raw_file(topic: str, row: dict[str, Any]) -> "Record":
    """Return the message of a stored file, as the intake made it."""
    from quantrac.io.records import Record
    from schemas.messages.raw_file import RawFileHeaders

    station, account = row["station"], row["account"]
    headers = RawFileHeaders(
        file_id=row["file_id"],
        name=row["name"],
        path=row["path"],
        account=account,
        transport=row["transport"],
        received_at=row["received_at"],
        traceparent=traceparent(row["file_id"]),
        # A file without station is stored under its account.
        station=None if station == account else station,
        marks=row["marks"] or None,
    )
    return Record(topic, station.encode(), base64.b64decode(row["encoded"]), headers.to_headers())


def _pages(database: "ClickHouse", parameters: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    after = {"after_time": parameters["start"], "after_station": "", "after_file": ""}
    while page := database.query(_FILES, {**parameters, **after, "limit": _PAGE}).dicts():
        yield page
        last = page[-1]
        after = {
            "after_time": to_sql_milliseconds(last["received_at"]),
            "after_station": last["station"],
            "after_file": last["file_id"],
        }
