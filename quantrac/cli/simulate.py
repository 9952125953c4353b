"""``quantrac simulate``: replay real measurements from a CSV as a station's files."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from quantrac.cli.connection import Connection, connection_options
from quantrac.cli.mistakes import one_sentence
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import TIME
from quantrac.domain.parsing import file_time
from quantrac.local.demo import account_name
from quantrac.local.simulator import Column, NotAcknowledged, csv_files
from quantrac.local.simulator.replay import replay

_PROGRESS_EVERY = 1000


def _mapping(_: click.Context, __: click.Parameter, entries: tuple[str, ...]) -> Mapping[str, Column]:
    mapping = {}
    for entry in entries:
        column, equals, target = entry.partition("=")
        parameter, _colon, unit = target.partition(":")
        if not (column and equals and parameter):
            raise click.BadParameter(f"{entry!r} is not COLUMN=PARAMETER:UNIT")
        mapping[column] = Column(parameter, unit)
    return mapping


@click.command()
@click.option(
    "--csv", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Measurements."
)
@click.option("--station", required=True, metavar="CODE", help="Code of the station that sends them.")
@click.option("--from", "since", type=TIME, help="First time to send.")
@click.option("--to", "until", type=TIME, help="Time before which to end.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=_mapping,
    metavar="COLUMN=PARAMETER:UNIT",
    help="Name and unit of a column in the files; by default the column's name and no unit. May be "
    "given several times.",
)
@click.option(
    "--account",
    envvar="QUANTRAC_ACCOUNT",
    show_envvar=True,
    help="Name of the account; by default the station's code in lower case, with - for _.",
)
@one_sentence
@connection_options
def simulate(
    *,
    csv: Path,
    station: str,
    since: datetime | None,
    until: datetime | None,
    mapping: Mapping[str, Column],
    account: str | None,
    connection: Connection,
) -> None:
    """Replay a CSV of measurements as a station's files: one file a row, in time order, by FTP.

    The time stands in a column time or datetime, or in year, month, day and hour; without a zone it is
    Vietnam's (UTC+7). Numbers are sent exactly as they are written; a missing one (empty, NA) gives no line.

    \b
      quantrac simulate --csv pm25.csv --station HN_DEMO_KHI002 --map PM25=PM2.5:ug/m3 --from 2026-03-01
    """
    files = csv_files(csv, station, mapping, since=since, until=until)
    sent, oldest = 0, None
    with connection.sender(account or account_name(station)) as sender:
        try:
            for sent, (name, _answer) in enumerate(replay(files, sender), start=1):
                oldest = oldest or file_time(name, b"")
                if sent % _PROGRESS_EVERY == 0:
                    echo(f"{sent} files, up to {name}")
        except NotAcknowledged as error:
            raise click.ClickException(f"after {sent} files, one was not acknowledged: {error}") from error
    echo(f"{sent} files acknowledged")
    if oldest is not None and datetime.now(UTC) - oldest > timedelta(days=60):
        echo("readings older than 60 days are suspect by `age`; `quantrac import` takes history", err=True)
