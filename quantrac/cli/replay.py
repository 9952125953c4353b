"""``quantrac replay``: read stored files again, after a mended parser or registry."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from quantrac.cli.options import one_sentence
from quantrac.cli.target import Target, target_options
from quantrac.domain.ids import traceparent
from quantrac.io.clickhouse import ClickHouse, ClickHouseError
from quantrac.io.kafka import KafkaProducer
from quantrac.io.records import Record
from schemas.messages.raw_file import RawFileHeaders

_PAGE = 500

# The driver would decode the column as text; bytes pass as base64.
_FILES = """
SELECT station, file_id, received_at, name, path, account, transport, marks, base64Encode(content) AS encoded
FROM raw_files FINAL
WHERE received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (received_at, station, file_id)
    > ({after_time:DateTime64(3, 'UTC')}, {after_station:String}, {after_file:String})
  AND ({station:String} = '' OR station = {station:String} OR (file_id, received_at) IN
      (SELECT file_id, received_at FROM files WHERE station = {station:String}))
  AND ({reason:String} = '' OR (file_id, received_at) IN
      (SELECT file_id, received_at FROM rejects WHERE reason = {reason:String}
       AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}))
ORDER BY received_at, station, file_id
LIMIT {limit:UInt32}
"""


@click.command()
@click.option("--stage", type=click.Choice(["parse"]), required=True, help="Where the files go in again.")
@click.option("--station", default="", metavar="CODE", help="Only files of this station; by default all.")
@click.option("--from", "start", type=click.DateTime(), required=True, help="Received at or after, UTC.")
@click.option("--to", "end", type=click.DateTime(), help="Received before, UTC; by default now.")
@click.option("--reason", default="", metavar="CODE", help="Only files with a line rejected for this reason.")
@click.option("--dry-run", is_flag=True, help="Only count the files.")
@one_sentence
@target_options
def replay(
    *,
    stage: str,
    station: str,
    start: datetime,
    end: datetime | None,
    reason: str,
    dry_run: bool,
    target: Target,
) -> None:
    """Read stored files again, by the parser and the registry as they are now.

    The files go through the lane of the backlog, under the same ids and times of receipt: what they gave
    before is replaced, and nothing is counted twice.
    """
    until = end.replace(tzinfo=UTC) if end else datetime.now(UTC)
    asked = {"station": station, "reason": reason, "end": _milliseconds(until)}
    asked["start"] = _milliseconds(start.replace(tzinfo=UTC))
    topic = target.topic("raw-file-backlog")
    producer = None if dry_run else KafkaProducer(target.kafka)
    count = 0
    try:
        for page in _pages(ClickHouse(target.clickhouse), asked):
            count += len(page)
            if producer is not None:
                producer.produce([raw_file(topic, row) for row in page])
                producer.flush()
    except ClickHouseError as error:
        raise ValueError(f"after {count} files: ClickHouse: {error}") from error
    click.echo(f"{count} files {'would be read' if dry_run else 'are being read'} again")


def raw_file(topic: str, row: dict[str, Any]) -> Record:
    """Return the message of a stored file, as the intake made it."""
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


def _pages(database: ClickHouse, asked: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    after = {"after_time": asked["start"], "after_station": "", "after_file": ""}
    while page := database.query(_FILES, {**asked, **after, "limit": _PAGE}).dicts():
        yield page
        last = page[-1]
        after = {
            "after_time": _milliseconds(last["received_at"]),
            "after_station": last["station"],
            "after_file": last["file_id"],
        }


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3]
