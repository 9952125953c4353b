"""``quantrac import``: years of measurements as history."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import look_up_station
from quantrac.cli.registry_topic import read_registry, user
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.errors import UserError

if TYPE_CHECKING:  # what reads files imports how, and the clients when something is asked of them
    from quantrac.cli.importing.sending import HistoryFile, Sent
    from quantrac.cli.importing.sources import Sources
    from quantrac.domain.parsing import ParsedFile
    from quantrac.domain.registry.registry import Registry

_PROGRESS_SECONDS = 2.0
_UNPLACED_NAMED = 5


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--station", default="", metavar="CODE", help="Station of all rows and files.")
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML that says what columns mean; by default their names do.",
)
@click.option(
    "--published",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Table of VN_AQI by hour that others published of the same station, to compare ours with.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be read, and do nothing else.")
@click.option("--wait/--no-wait", default=True, help="Wait until all is judged and stored, and sum up.")
@one_sentence
@target_options
def import_history(
    *,
    paths: tuple[Path, ...],
    station: str,
    mapping_file: Path | None,
    published: Path | None,
    dry_run: bool,
    wait: bool,
    target: Target,
) -> None:
    """Import PATHS as history: tables (CSV or XLSX, wide or long), station files, folders of either.

    History goes the way of every file, and is judged by what fits the past: not by its age, and no alert
    comes of it. Columns are found by their names; times without a zone are on the station's clock. The same
    files again change nothing, and an import that was cut off is finished by typing it again.

    Exit status: 0 everything has its station and was sent, 1 some rows or files have none, or nothing moved
    for a minute.
    """
    from quantrac.cli.importing.mapping import read_mapping
    from quantrac.cli.importing.plan import check_station
    from quantrac.cli.importing.sources import Sources

    mapping = read_mapping(mapping_file)
    with read_registry(target) as registry:
        code = look_up_station(station, registry.stations) if station else ""
        for named in filter(None, (mapping.station, *mapping.codes.values())):
            check_station(named, registry)
        sources = Sources(paths, mapping, registry, code)
        if dry_run:
            _show(sources, registry)
        else:
            is_whole = _import(sources, target, wait=wait)
            if not is_whole:
                sys.exit(1)
        if published is not None:
            _compare(published, sources, registry)
    if sources.unplaced:
        sys.exit(1)


def _read(file: "HistoryFile", registry: "Registry", now: datetime) -> "ParsedFile":
    from quantrac.domain.parsing import parse_file
    from quantrac.domain.tables.part import is_part
    from quantrac.domain.tables.reader import read_table

    station = registry.stations[file.station]
    read = read_table if is_part(file.content) else parse_file
    return read(file.content, file.name, station, now)


def _say(text: str) -> None:
    echo(text, err=True)


def _show(sources: "Sources", registry: "Registry") -> None:
    from quantrac.cli.importing.tally import Tally, describe_tally

    tally, rows, count, now = Tally(), 0, 0, datetime.now(UTC)
    for file in sources.files(_say):
        tally.add(file.station, _read(file, registry, now))
        rows, count = rows + file.rows, count + 1
    echo(f"would be read: {rows:,} rows in {count:,} files of at most some 500 readings")
    for line in describe_tally(tally):
        echo(line)
    _tell_unplaced(sources)


def _import(sources: "Sources", target: Target, *, wait: bool) -> bool:
    """Send all, and sum up; returns whether everything that was sent is stored, where that was waited for."""
    from quantrac.cli.importing.sending import TOPIC, Receipts, StoredFiles, send, wait_until_stored
    from quantrac.cli.importing.summary import describe_stored, wait_for_files, wait_for_flags
    from quantrac.io.clickhouse import ClickHouse
    from quantrac.io.kafka.group_progress import GroupProgress
    from quantrac.io.kafka.producer import KafkaProducer

    database = ClickHouse(target.clickhouse)
    wait_until_stored(target, _say)
    started = told_at = time.monotonic()

    def tell(sent: "Sent") -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _PROGRESS_SECONDS:
            told_at = time.monotonic()
            _say(f"{sent.rows:,} rows sent, {sent.stored:,} files there already")

    sent = send(
        sources.files(_say),
        topic=target.topic(TOPIC),
        account=f"import by {user()}",
        stored=StoredFiles(database),
        receipts=Receipts(database),
        producer=KafkaProducer(target.kafka),
        on_progress=tell,
    )
    seconds = time.monotonic() - started
    rest = f"; {sent.stored:,} files were imported before" if sent.stored else ""
    echo(f"{sent.rows:,} rows in {sent.files:,} files acknowledged in {seconds:.1f} s{rest}")
    _tell_unplaced(sources)
    if not sent.identities:
        raise UserError("nothing to import")
    if not wait:
        return True
    if not wait_for_files(database, sent, _say):
        _say("nothing moved for a minute; `quantrac status` says why, and the same command again sums up")
        return False
    groups = (("validator.rejudge", "rejudge"), ("aggregator.sink", "qa-flagged"))
    progress = [
        GroupProgress(target.kafka, target.topic(group), target.topic(topic)) for group, topic in groups
    ]
    if not wait_for_flags(progress, _say):
        _say("flags may still change: validator.rejudge is behind; `quantrac status` shows by how much")
    for line in describe_stored(database, sent):
        echo(line)
    return True


def _compare(path: Path, sources: "Sources", registry: "Registry") -> None:
    """Compare an index that was published with ours, made of the very files that are imported."""
    from quantrac.cli.importing.published_index import (
        compare,
        describe_comparison,
        hours_in_micrograms,
        read_published,
    )
    from quantrac.cli.importing.sources import Sources
    from quantrac.cli.importing.tables import StationFile, open_file

    table, now = open_file(path, "/"), datetime.now(UTC)
    if isinstance(table, StationFile):
        raise UserError(f"{path}: a station's file holds no index")
    files = list(Sources(sources.paths, sources.mapping, registry, sources.station).files(lambda _: None))
    codes = {file.station for file in files}
    if len(codes) != 1:
        raise UserError(f"{path}: an index is of one station, and the files are of {len(codes)}")
    station = registry.stations[codes.pop()]
    hours = hours_in_micrograms((_read(file, registry, now).readings for file in files), station)
    comparison = compare(read_published(table, station), hours, station)
    for line in describe_comparison(path.name, comparison):
        echo(line)


def _tell_unplaced(sources: "Sources") -> None:
    for sentence, count in sources.unplaced.most_common(_UNPLACED_NAMED):
        echo(f"not imported, {count:,} rows or files: {sentence}", err=True)
    more = len(sources.unplaced) - _UNPLACED_NAMED
    if more > 0:
        echo(f"not imported: and {more} more such names", err=True)
