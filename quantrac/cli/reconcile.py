"""``quantrac reconcile``: compare with the ministry, and send again what it lacks."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.target import find_target, server_errors
from quantrac.cli.terminal import count, echo, say
from quantrac.cli.time_options import TIME
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

if TYPE_CHECKING:  # the clients are imported when something is asked of them: a second and more
    from quantrac.reconciliation.report import Report

_MOST_LINES = 100


@click.command()
@click.option("--from", "start", type=TIME, help="Measured at this time or after; by default ever.")
@click.option("--to", "end", type=TIME, help="Measured before; by default now.")
@click.option("--station", metavar="CODE", help="Only this station; by default all.")
@click.option(
    "--of",
    "subjects",
    type=click.Choice(["readings", "averages", "indices"]),
    multiple=True,
    help="What is compared; several times for several. By default all three.",
)
@click.option("--repair", is_flag=True, help="Send again what the ministry lacks, and only that.")
@click.option(
    "--wait",
    "patience",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="--repair: seconds without progress after which it is over.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; `differences` is a list.")
@data_option
@one_sentence
def reconcile(
    *,
    start: datetime | None,
    end: datetime | None,
    station: str | None,
    subjects: tuple[str, ...],
    repair: bool,
    patience: float,
    as_json: bool,
    data: DataDir,
) -> None:
    """Compare the readings, averages and indices of this province with those that the ministry has.

    Sums are compared year by year, then months, days, hours and rows, where they differ. Of the last 31 days
    the readings themselves are summed up, before them what both keep of each hour. Exit status: 0 nothing
    differs, or all that did was repaired; 1 something does.

    \b
      quantrac reconcile --from 2026-03-01 --to 2026-04-01
      quantrac reconcile --station HN_DEMO_KHI001 --repair --json
    """
    if start is not None and end is not None and start >= end:
        raise UserError("--from must lie before --to")
    _find_ministry(data)
    target = find_target(data, "province")
    with server_errors(target.kafka):
        from quantrac.domain.reconciliation.differences import Subject
        from quantrac.io.clickhouse import ClickHouse, ClickHouseError
        from quantrac.io.kafka.producer import KafkaProducer
        from quantrac.io.settings import load
        from quantrac.reconciliation.comparison import Comparison, Question
        from quantrac.reconciliation.settings import MinistryApiSettings
        from quantrac.reconciliation.sources import MinistryApi, MinistryUnavailable

        settings = load(MinistryApiSettings)
        database = ClickHouse(target.clickhouse, binds_in_body=True)
        question = Question.until(datetime.now(UTC), start, end, station)
        say(f"comparing what was measured {show_span(question.start, question.end)}")
        try:
            with MinistryApi(
                str(settings.api_url), settings.api_key.get_secret_value(), tls=settings.tls()
            ) as api:
                report = Comparison(
                    database,
                    api,
                    os.environ.get("QUANTRAC_MINISTRY_NAME", "ministry"),
                    lambda: datetime.now(UTC),
                    redelivery=target.topic("redelivery"),
                    producer=KafkaProducer(target.kafka) if repair else None,
                    patience=patience,
                ).run(question, [Subject(name) for name in subjects] or tuple(Subject))
            database.insert("reconciliations", report.to_columns(getpass.getuser()))
        except (ClickHouseError, MinistryUnavailable, ValueError) as error:
            raise UserError(str(error)) from error
    echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False) if as_json else _text(report))
    sys.exit(0 if report.is_alike else 1)


def _find_ministry(data: DataDir) -> None:
    """Let the environment say where the ministry's API is, as the stack in the data folder does."""
    if "QUANTRAC_KAFKA" in os.environ:
        return
    environment = Stack.read(data).ministry_api()
    if not environment:
        raise UserError(f"the configuration in {data.root} names no ministry.api_url to compare with")
    os.environ.update(environment)


def _text(report: "Report") -> str:
    return "\n".join(_lines(report))


def _lines(report: "Report") -> Iterator[str]:
    from quantrac.reconciliation.report import describe

    listed = report.findings[:_MOST_LINES]
    for finding in listed:
        key = finding.difference.key
        yield f"{show_time(key.time)}  {describe(finding)}" if key else describe(finding)
    if report.differences > sum(finding.difference.rows for finding in listed):
        yield f"... of {'' if report.is_complete else 'at least '}{report.differences:,}; --json lists more"
    for kind, number in sorted(report.counts.items()):
        yield f"{kind}: {number:,}"
    if report.outdated_hours:
        yield (
            f"{count(report.outdated_hours, 'hour')}: readings are alike and what is kept of them is not;"
            " `quantrac replay --stage windows` renews it"
        )
    if report.sets:
        yield f"{count(report.sets, 'set')} sent again, {count(report.repaired, 'difference')} repaired"
    yield (
        f"{count(report.differences, 'difference')} to {report.ministry},"
        f" {count(report.readings, 'reading')} {show_span(report.start, report.end)};"
        f" {count(report.requests, 'request')}, {report.seconds:.1f} s"
    )
