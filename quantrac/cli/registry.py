"""``quantrac registry``: stations and accounts, from YAML into the station-registry topic."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.registry_plan import MOST_JUDGED, Plan
from quantrac.cli.registry_topic import read_registry, write
from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.domain.registry_problems import remarks_on
from quantrac.errors import UserError
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.messages.rejudge import RejudgeRequest, merged
from schemas.registry import Record as RegistryRecord
from schemas.registry import load_directory, record_key


@click.group()
def registry() -> None:
    """Stations and accounts: who may send what."""


@registry.command("import")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--correction", is_flag=True, help="What changes without a date was so all along: stored readings follow."
)
@one_sentence
@target_options
def import_(directory: Path, correction: bool, target: Target) -> None:
    """Write every record of DIRECTORY's *.yaml files; services follow at once.

    Records that are not in the files stay as they are. Where a known station's type, place, interval, units,
    ranges, dates, stamps, maintenance or withdrawn parameters changed, its stored readings are judged again:
    those of the maintenance and of the withdrawn parameters, else of the last 60 days. Where its intervals or
    stamps changed, the command says which averages have to be computed again, and how.

    An interval, a meaning of stamps or a parameter that changes without a date is refused where readings are
    stored: they would be read by what holds from now on. `quantrac registry plan` shows all this before.
    """
    from quantrac.cli.registry_consequences import find_consequences

    records = load_directory(directory)
    if not records:
        raise UserError(f"{directory}: the files hold no record")
    values: dict[bytes, bytes] = {}
    with read_registry(target, values) as current:
        now = datetime.now(UTC)
        plan = find_consequences(target, current, values, records, now=now)
        if not correction:
            plan.refuse_undated()
        written = write(
            target,
            *(Record(target.registry, record_key(r), r.model_dump_json().encode()) for r in records),
        )
    _say_remarks(records)
    kinds = [record_key(r).decode().partition("/")[0] for r in records]
    counts = ", ".join(
        f"{kinds.count(kind)} {kind}{'s'[: kinds.count(kind) != 1]}" for kind in dict.fromkeys(kinds)
    )
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
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--most",
    type=click.IntRange(min=0),
    default=MOST_JUDGED,
    show_default=True,
    help="Stored readings judged at most to count the flags that would change.",
)
@one_sentence
@target_options
def plan_(directory: Path, most: int, target: Target) -> None:
    """Show what `quantrac registry import` of DIRECTORY would change, and write nothing.

    First what the files say otherwise than the registry in force; then, for each station, how many stored
    readings would be judged again and how many of them would get another flag (counted by judging them, the
    newest first), and how many hourly averages would be computed again.
    """
    from quantrac.cli.registry_consequences import find_consequences

    records = load_directory(directory)
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
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@one_sentence
def check(directory: Path) -> None:
    """Read DIRECTORY's *.yaml files and say whether they could be imported."""
    records = load_directory(directory)
    echo(f"{len(records)} records, no mistake")
    _say_remarks(records)
    for record in records:
        if isinstance(record, Account) and record.role == "province" and not record.provinces:
            echo(f"account/{record.name} names no provinces: it delivers nothing")


@registry.command("list")
@one_sentence
@target_options
def list_(target: Target) -> None:
    """List what the registry holds."""
    with read_registry(target) as current:
        for station in sorted(current.stations.values(), key=lambda s: s.code):
            count = len(station.parameters)
            echo(f"station  {station.code:24} {station.type:14} {count:3} {station.name}")
        for account in sorted(current.accounts.values(), key=lambda a: a.name):
            rights = " ".join([*account.provinces, *account.stations])
            echo(f"account  {account.name:24} {account.role:14} {rights}")


@registry.command("hash-password")
@click.password_option()
def hash_password_(password: str) -> None:
    """Ask for a password and print its argon2id hash, for an account's password_hash."""
    echo(hash_password(password))


def _say_remarks(records: Sequence[RegistryRecord]) -> None:
    for record in records:
        if isinstance(record, Station):
            for remark in remarks_on(record.to_domain()):
                echo(f"station/{record.code}: {remark}")


def _judge_again(target: Target, plan: Plan, offset: int) -> None:
    """Ask for stored readings to be judged again once the registry's record ``offset`` is known."""
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
