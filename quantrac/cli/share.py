"""``quantrac share``: what was expected of stations, what came, and what the ministry has of it."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from quantrac.cli.mistakes import EXIT_REFUSED, one_sentence
from quantrac.cli.names import look_up_stations
from quantrac.cli.shown_times import show_span
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import TIME
from quantrac.domain.data_share import SUMS, DataShare, add_shares, find_faults
from quantrac.domain.times import DAY_DELTA, local_day_start
from quantrac.errors import UserError

_STATIONS = "SELECT code FROM stations FINAL ORDER BY code"


@click.command()
@click.option(
    "--station",
    "names",
    multiple=True,
    metavar="CODE",
    help="May be given several times; by default all of them.",
)
@click.option("--from", "start", type=TIME, help="Due and received at or after; by default yesterday.")
@click.option("--to", "end", type=TIME, help="Before; by default a day later.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, times in UTC.")
@click.option("--check", is_flag=True, help="Print only what is wrong; exit status 1 where something is.")
@one_sentence
@target_options
def share(
    *,
    names: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    as_json: bool,
    check: bool,
    target: Target,
) -> None:
    """Count the readings that were expected, came, were flagged and delivered.

    docs/data-share.md says what each count means. Each is part of a sum; --check says where one does not
    close, and what was lost.

    \b
      quantrac share --station HN_DEMO_KHI001 --from 2026-03-01 --to 2026-04-01
      quantrac share --check
    """
    start, end = _span(start, end, datetime.now(UTC))
    shares = _read(target, names, start, end)
    faults = {entry.station: sentences for entry in shares if (sentences := find_faults(entry))}
    if as_json:
        _print_json(shares, start, end)
    elif check:
        for station, sentences in faults.items():
            for sentence in sentences:
                echo(f"{station or 'files of no station'}: {sentence}")
    else:
        echo(show_span(start, end))
        for entry in shares:
            echo()
            for line in describe(entry):
                echo(line)
    if check:
        if faults:
            sys.exit(EXIT_REFUSED)
        if not as_json:
            echo(f"{len(shares)} stations, {show_span(start, end)}: every sum closes and nothing was lost")


def _span(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    if start is None:
        start = local_day_start(end or now) - DAY_DELTA
    if end is None:
        end = start + DAY_DELTA
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    if start >= end:
        raise UserError(f"nothing lies in {show_span(start, end)}")
    return start, end


def _read(target: Target, names: Sequence[str], start: datetime, end: datetime) -> list[DataShare]:
    from quantrac.io.clickhouse import ClickHouse
    from schemas.clickhouse.data_share import read_shares

    database = ClickHouse(target.clickhouse)
    if names:
        codes = [code for (code,) in database.query(_STATIONS).rows]
        return read_shares(database, look_up_stations(names, codes), start, end)
    # All stations have some millions of readings a day; the shares of days add up.
    shares: dict[str, DataShare] = {}
    while start < end:
        following = min(end, start + DAY_DELTA)
        for entry in read_shares(database, [], start, following):
            before = shares.get(entry.station)
            shares[entry.station] = add_shares(before, entry) if before else entry
        start = following
    return [shares[station] for station in sorted(shares)]


def describe(entry: DataShare) -> Iterable[str]:
    """Yield the lines that show a share: each total with the parts that make it.

    >>> print(*describe(DataShare("HN_A", expected=12, present=9, absent=3, stored=9)), sep="\\n")
    HN_A
      expected         12 = present 9 + absent 3
      stored            9 = present 9 + extra 0
                        9 = good 0 + not evaluated 0 + suspect 0 + fail 0 + missing 0
                        9 = confirmed 0 + waiting 0 + refused 0 + undelivered 0
      received          0 = read 0 + rejected 0, in 0 files
      lost              0, replaced 0, files not read 0
    """
    yield entry.station or "files of no station"
    for total, divisions in SUMS.items():
        for number, parts in enumerate(divisions):
            summed = " + ".join(f"{part.replace('_', ' ')} {getattr(entry, part):,}" for part in parts)
            files = f", in {entry.files:,} files" if total == "received" else ""
            yield f"  {total if not number else '':12} {getattr(entry, total):>6,} = {summed}{files}"
    if entry.reasons:
        reasons = sorted(entry.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
        summed = " + ".join(f"{reason} {lines:,}" for reason, lines in reasons)
        yield f"  {'rejected':12} {entry.rejected:>6,} = {summed}"
    yield (
        f"  {'lost':12} {entry.lost:>6,}, replaced {entry.replaced:,}, files not read {entry.unread_files:,}"
    )


def _print_json(shares: Iterable[DataShare], start: datetime, end: datetime) -> None:
    span = {
        name: at.isoformat().replace("+00:00", "Z") for name, at in (("starts_at", start), ("ends_at", end))
    }
    items = [{**asdict(entry), "faults": find_faults(entry)} for entry in shares]
    echo(json.dumps({**span, "items": items}, indent=2, ensure_ascii=False))
