"""``quantrac review``: people's decisions about readings, which win over every test."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import look_up_station
from quantrac.cli.registry_topic import read_registry, reason, user, write
from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import TIME
from quantrac.domain.catalogue import look_up_parameter
from quantrac.errors import UserError

if TYPE_CHECKING:  # what asks a broker imports it: the help needs none of it
    from quantrac.domain.registry import decisions as domain
    from quantrac.domain.registry.registry import Registry
    from schemas.messages.registry.decisions import Decision


@click.group()
def review() -> None:
    """Decisions about readings: what a person knows better than the tests."""


@review.command()
@click.option("--station", required=True, metavar="CODE", help="Station the readings are of.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="CODE",
    help="May be given several times; by default all of them.",
)
@click.option("--from", "start", type=TIME, required=True, help="Measured at or after.")
@click.option("--to", "end", type=TIME, required=True, help="Measured before.")
@click.option("--flag", type=click.Choice(["good", "suspect", "fail"]), required=True, help="Their flag.")
@click.option("--why", required=True, help="Reason, for the record.")
@click.option("--by", help="Who decides; by default the user logged in.")
@one_sentence
@target_options
def add(
    *,
    station: str,
    parameters: Sequence[str],
    start: datetime,
    end: datetime,
    flag: str,
    why: str,
    by: str | None,
    target: Target,
) -> None:
    """Decide the flag of a span of readings, whatever the tests say.

    \b
      quantrac review add --station HN_DEMO_KHI001 --parameter PM2.5 --flag suspect \\
        --from 2026-03-25T07:00+07:00 --to 2026-03-25T09:00+07:00 --why "filter changed"
    """
    from pydantic import ValidationError

    from schemas.messages.registry.decisions import Decision

    now = datetime.now(UTC)
    fields = {
        "id": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        "station": station,
        "parameters": tuple(look_up_parameter(name).code for name in parameters),
        "start": start,
        "end": end,
        "flag": flag,
        "by": by or user(),
        "why": reason(why),
        "decided_at": now,
    }
    try:
        decision = Decision.model_validate(fields)
    except ValidationError as error:
        raise UserError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    with read_registry(target) as registry:
        decision = decision.model_copy(update={"station": look_up_station(station, registry.stations)})
        decide(target, decision)
    echo(f"decision {decision.id}: {flag} for {_describe(decision.to_domain())}")


@review.command()
@click.argument("decision_id", metavar="ID")
@click.option("--why", required=True, help="Reason, for the record.")
@click.option("--by", help="Who withdraws it; by default the user logged in.")
@one_sentence
@target_options
def withdraw(decision_id: str, why: str, by: str | None, target: Target) -> None:
    """Take a decision back; the readings get the flags that the tests give them."""
    from pydantic import ValidationError

    from schemas.messages.registry.decisions import Withdrawal
    from schemas.validation_errors import first_problem

    with read_registry(target) as registry:
        decision = _find_decision(registry, decision_id)
        try:
            withdrawal = Withdrawal(by=by or user(), why=reason(why), at=datetime.now(UTC))
        except ValidationError as error:
            raise UserError(first_problem(error, Withdrawal)) from error
        decide(target, _record(decision).model_copy(update={"withdrawn": withdrawal}))
    echo(f"withdrew decision {decision_id} about {_describe(decision)}")


@review.command("list")
@click.option("--station", default="", metavar="CODE", help="By default of all stations.")
@one_sentence
@target_options
def list_(station: str, target: Target) -> None:
    """List the decisions, withdrawn ones too."""
    with read_registry(target) as registry:
        if station and station not in {decision.station for decision in registry.decisions.values()}:
            station = look_up_station(station, registry.stations)
        for d in sorted(registry.decisions.values(), key=lambda d: (d.decided_at, d.id)):
            if station in ("", d.station):
                echo(f"{d.id}  {d.flag.name.lower():7} {_describe(d)}")
                echo(f"    {show_time(d.decided_at)} {d.by}: {d.why}")
                if d.withdrawn is not None:
                    withdrawal = d.withdrawn
                    echo(f"    withdrawn {show_time(withdrawal.at)} {withdrawal.by}: {withdrawal.why}")


def decide(target: Target, decision: "Decision") -> None:
    """Write a decision, then ask for its span to be judged again once that record is known."""
    from quantrac.io.records import Record
    from schemas.messages.rejudge import RejudgeRequest
    from schemas.registry import record_key

    written = write(
        target, Record(target.registry, record_key(decision), decision.model_dump_json().encode())
    )
    request = RejudgeRequest(
        station=decision.station,
        start=decision.start,
        end=decision.end,
        causes=["decision"],
        registry_offset=written.offset,
    )
    value = request.model_dump_json().encode()
    write(target, Record(target.topic("rejudge"), decision.station.encode(), value))


def _find_decision(registry: "Registry", decision_id: str) -> "domain.Decision":
    decision = registry.decisions.get(decision_id)
    if decision is None:
        raise UserError(f"there is no decision {decision_id!r}; `quantrac review list` shows them")
    if decision.withdrawn is not None:
        raise UserError(f"decision {decision_id} was withdrawn by {decision.withdrawn.by} already")
    return decision


def _record(decision: "domain.Decision") -> "Decision":
    from schemas.messages.registry.decisions import Decision

    fields = {name: getattr(decision, name) for name in Decision.model_fields}
    return Decision.model_validate(fields | {"flag": decision.flag.name.lower()})


def _describe(decision: "domain.Decision") -> str:
    parameters = ", ".join(decision.parameters) or "all parameters"
    return f"{decision.station} {show_span(decision.start, decision.end)}, {parameters}"
