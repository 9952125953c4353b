"""``quantrac registry``: stations and accounts, from files into the station-registry topic and back."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantrac.cli.mistakes import EXIT_REFUSED, one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.registry_changes import MOST_JUDGED
from quantrac.cli.registry_source import SOURCE, check_source, territory_option, write_files
from quantrac.cli.registry_topic import read_records, read_registry, write
from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.target import Target, target_options, tier_option
from quantrac.cli.terminal import count, echo, say
from quantrac.domain.territory import Territory
from quantrac.errors import UserError

if TYPE_CHECKING:  # what reads files or asks a broker imports how: the help needs none of it
    from quantrac.cli.registry_plan import Plan
    from schemas.registry import Record as RegistryRecord

_NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def registry() -> None:
    """Stations and accounts: who may send what."""


@registry.command("import")
@click.argument("source", type=SOURCE)
@click.option(
    "--correction", is_flag=True, help="What changes without a date was so all along: stored readings follow."
)
@territory_option
@one_sentence
@target_options
def import_(source: Path, correction: bool, territory: Territory | None, target: Target) -> None:
    """Write every record of SOURCE; services follow at once.

    SOURCE is a folder of *.yaml files, or a workbook (*.xlsx) of `quantrac registry export`. Where `quantrac
    registry check` finds a mistake, nothing is written. Records that are not in SOURCE stay as they are.

    Where a known station's type, place, interval, units, ranges, dates, stamps, maintenance or withdrawn
    parameters changed, its stored readings are judged again: those of the maintenance and of the withdrawn
    parameters, else of the last 60 days. Where its intervals or stamps changed, the command says which
    averages have to be computed again, and how.

    An interval, a meaning of stamps or a parameter that changes without a date is refused where readings are
    stored: they would be read by what holds from now on. `quantrac registry plan` shows all this before.
    """
    from quantrac.cli.registry_consequences import find_consequences
    from quantrac.io.records import Record
    from schemas.accounts import refuse_replaced_passwords
    from schemas.registry import record_key

    say(f"reading {source}")
    records = check_source(source, territory).records
    say(f"reading the registry in force at {target.kafka.bootstrap}")
    values: dict[bytes, bytes] = {}
    with read_registry(target, values) as current:
        now = datetime.now(UTC)
        refuse_replaced_passwords(records, current)
        plan = find_consequences(target, current, values, records, now=now)
        if not correction:
            plan.refuse_undated()
        say(f"writing {count(len(records), 'record')}")
        written = write(
            target,
            *(Record(target.registry, record_key(r), r.model_dump_json().encode()) for r in records),
        )
    kinds = [record_key(r).decode().partition("/")[0] for r in records]
    counts = ", ".join(count(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))
    echo(f"imported {counts} into {target.registry}")
    if plan.stations:
        echo(plan.summary())
    _judge_again(target, plan, written.offset)
    for change in plan.stations:
        for start, end in change.average_spans:
            until = f" --to {show_time(end)}" if end < now else ""
            echo(
                f"{change.code} changed: its averages follow the new intervals and stamps after `quantrac "
                f"replay --stage windows --station {change.code} --from {show_time(start)}{until}`"
            )


@registry.command("plan")
@click.argument("source", type=SOURCE)
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=MOST_JUDGED,
    show_default=True,
    help="Stored readings judged at most to count the flags that would change.",
)
@territory_option
@one_sentence
@target_options
def plan_(source: Path, most: int, territory: Territory | None, target: Target) -> None:
    """Show what `quantrac registry import` of SOURCE would change, and write nothing.

    First what the files say otherwise than the registry in force; then, for each station, how many stored
    readings would be judged again and how many of them would get another flag (counted by judging them, the
    newest first), and how many hourly averages would be computed again.
    """
    from quantrac.cli.registry_consequences import find_consequences

    records = check_source(source, territory).records
    say(f"reading the registry in force at {target.kafka.bootstrap}")
    values: dict[bytes, bytes] = {}
    with read_registry(target, values) as current:
        plan = find_consequences(target, current, values, records, now=datetime.now(UTC), most=most)
    for line in plan.lines():
        echo(line)
    if not plan.records:
        echo("nothing changes")
    if plan.stations:
        echo(plan.summary())
    if plan.list_undated():
        echo("without a date: `quantrac registry import` refuses these changes unless --correction is given")


@registry.command("check")
@click.argument("source", type=SOURCE)
@click.option("--strict", is_flag=True, help="Exit with 1 for what is unusual too.")
@territory_option
@one_sentence
def check(source: Path, strict: bool, territory: Territory | None) -> None:
    """Read SOURCE and say whether it could be imported.

    SOURCE is a folder of *.yaml files, or a workbook (*.xlsx). All mistakes are named at once, each with file
    and line, or sheet and cell: exit status 1. What is unusual, though allowed, is named too, and is none.
    """
    reading = check_source(source, territory)
    unusual = f", {len(reading.remarks)} unusual" if reading.remarks else ""
    echo(f"{count(len(reading.records), 'record')}, no mistake{unusual}")
    if strict and reading.remarks:
        sys.exit(EXIT_REFUSED)


@registry.command("list")
@one_sentence
@target_options
def list_(target: Target) -> None:
    """List what the registry holds."""
    with read_registry(target) as current:
        for station in sorted(current.stations.values(), key=lambda s: s.code):
            parameters = len(station.parameters)
            echo(f"station  {station.code:24} {station.type:14} {parameters:3} {station.name}")
        for account in sorted(current.accounts.values(), key=lambda a: a.name):
            rights = " ".join([*account.provinces, *account.stations])
            echo(f"account  {account.name:24} {account.role:14} {rights}")


@registry.command("export")
@click.argument("source", type=SOURCE, required=False)
@click.option("--xlsx", type=_NEW_FILE, metavar="FILE", help="Write a workbook, to be kept in a spreadsheet.")
@click.option("--yaml", "text", type=_NEW_FILE, metavar="FILE", help="Write a file for a registry folder.")
@click.option("--accounts", "with_accounts", is_flag=True, help="Accounts too, with their passwords' hashes.")
@tier_option
@data_option
@one_sentence
def export(
    *, source: Path | None, xlsx: Path | None, text: Path | None, with_accounts: bool, **where: Any
) -> None:
    """Write stations as a workbook or a YAML file.

    Those of SOURCE, a folder of *.yaml files or a workbook; without SOURCE those in force. `quantrac registry
    check` and `import` take what is written back. The new file is readable by you alone.
    """
    from schemas.messages.registry.accounts import Account
    from schemas.messages.registry.stations import Station

    files = [(file, suffix) for file, suffix in ((xlsx, ".xlsx"), (text, ".yaml")) if file is not None]
    if len(files) != 1:
        raise click.UsageError("Give --xlsx FILE or --yaml FILE.")
    file, suffix = files[0]
    if file.suffix.lower() != suffix:
        raise UserError(f"{file}: its name must end in {suffix}")
    records = _records_in_force(**where) if source is None else check_source(source, None).records
    stations = [record for record in records if isinstance(record, Station)]
    accounts = [record for record in records if isinstance(record, Account)]
    write_files(file, [*stations, *(accounts if with_accounts else ())])
    counts = [count(len(stations), "station"), *([count(len(accounts), "account")] if with_accounts else [])]
    echo(f"wrote {' and '.join(counts)} to {file}")
    if accounts and not with_accounts:
        echo(f"left {count(len(accounts), 'account')} out; --accounts writes them too")


@registry.command("hash-password")
@click.password_option()
def hash_password_(password: str) -> None:
    """Ask for a password and print its argon2id hash, for an account's password_hash."""
    from quantrac.io.passwords import hash_password

    echo(hash_password(password))


@target_options
def _records_in_force(*, target: Target) -> "Sequence[RegistryRecord]":
    say(f"reading the registry in force at {target.kafka.bootstrap}")
    return read_records(target)


def _judge_again(target: Target, plan: "Plan", offset: int) -> None:
    """Ask for stored readings to be judged again once the registry's record ``offset`` is known."""
    from quantrac.io.records import Record
    from schemas.messages.rejudge import RejudgeRequest, merged

    requests = merged(
        RejudgeRequest(station=change.code, start=start, end=end, causes=["registry"], registry_offset=offset)
        for change in plan.stations
        for start, end in change.spans
    )
    if not requests:
        return
    topic = target.topic("rejudge")
    try:
        write(target, *(Record(topic, r.station.encode(), r.model_dump_json().encode()) for r in requests))
    except UserError as error:
        since = min(request.start for request in requests)
        raise UserError(
            f"{error}; the records are in, but what was measured since {show_time(since)} has to be "
            "judged again by `quantrac replay --stage validator --publish`"
        ) from error
    for station, spans in groupby(requests, key=lambda request: request.station):
        texts = ", ".join(show_span(s.start, s.end) for s in spans)
        echo(f"{station} changed: judging again what was measured {texts}")
