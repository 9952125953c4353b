"""``quantrac approvals``: the ministry decides about the stations that provinces ask it to take."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import PROVINCE_CODE, look_up_stations
from quantrac.cli.registry_requests import Waiting, count_waiting, read_requests
from quantrac.cli.registry_topic import reason, user, write
from quantrac.cli.shown_times import show_time
from quantrac.cli.target import Target, ministry_options
from quantrac.cli.terminal import count, echo
from quantrac.domain.registry.approvals import RequestState
from quantrac.errors import UserError

if TYPE_CHECKING:  # what asks a broker imports it: the help needs none of it
    from quantrac.io.records import Record
    from schemas.messages.registry.records import Record as RegistryRecord
    from schemas.messages.registry_requests import RegistryRequest

_STATES = click.Choice([state.value for state in RequestState])


@click.group()
def approvals() -> None:
    """Stations that provinces ask the ministry to take: see and decide.

    Sets of a station that waits are kept, and flow by themselves once it is approved.
    """


@approvals.command("list")
@click.option("--state", type=_STATES, help="Only requests in this state.")
@click.option("--province", type=PROVINCE_CODE, help="Only stations of this province: its code or name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the entries.")
@one_sentence
@ministry_options
def list_(state: str | None, province: str | None, as_json: bool, target: Target) -> None:
    """List the requests, and how much of each station waits.

    With --tier province, what the ministry has answered to this province.
    """
    waiting = count_waiting(target)
    with read_requests(target) as (by_station, _):
        requests = [
            request
            for request in by_station.values()
            if state in (None, request.state) and province in (None, request.province)
        ]
    if as_json:
        items = [_describe_in_json(request, waiting) for request in requests]
        echo(json.dumps({"requests": items}, ensure_ascii=False, indent=2))
        return
    for request in requests:
        for line in _describe(request, waiting.get(request.station, Waiting())):
            echo(line)
    if not requests:
        echo("no request", err=True)


@approvals.command()
@click.argument("stations", metavar="[STATION]...", nargs=-1)
@click.option("--province", type=PROVINCE_CODE, help="All stations of this province that wait.")
@click.option("--by", help="Who decides; by default the user logged in.")
@click.option("--reason", "why", default="", help="Reason, for the record and for the province.")
@one_sentence
@ministry_options
def approve(stations: Sequence[str], province: str | None, by: str | None, why: str, target: Target) -> None:
    """Take the entries of stations into the ministry's registry; what waits of them is released.

    \b
      quantrac approvals approve HN_DEMO_KHI001 HN_DEMO_KHI002 --reason "as agreed in letter 17"
      quantrac approvals approve --province 01
    """
    from schemas.registry_requests import approve as approve_request

    def decide(request: "RegistryRequest", at: datetime) -> "Sequence[RegistryRecord]":
        if request.state is RequestState.APPROVED:
            raise UserError(f"station {request.station} is approved already")
        return approve_request(request, by=by or user(), reason=why.strip(), at=at)

    _decide(target, stations, province, decide, "approved")


@approvals.command()
@click.argument("stations", metavar="[STATION]...", nargs=-1)
@click.option("--province", type=PROVINCE_CODE, help="All stations of this province that wait.")
@click.option("--by", help="Who decides; by default the user logged in.")
@click.option("--reason", "why", required=True, help="Reason, for the record and for the province.")
@one_sentence
@ministry_options
def reject(stations: Sequence[str], province: str | None, by: str | None, why: str, target: Target) -> None:
    """Reject the entries of stations, or withdraw their approval.

    A change of an approved entry is rejected alone: the entry approved before goes on to hold. The rejection
    of what is approved withdraws it: sets that come from then on wait; what is stored stays.

    \b
      quantrac approvals reject HN_DEMO_KHI001 --reason "the permit is missing"
    """
    from schemas.registry_requests import reject as reject_request

    why = reason(why)

    def decide(request: "RegistryRequest", at: datetime) -> "Sequence[RegistryRecord]":
        if request.state is RequestState.REJECTED:
            raise UserError(f"station {request.station} is rejected already: {request.reason}")
        return [reject_request(request, by=by or user(), reason=why, at=at)]

    _decide(target, stations, province, decide, "rejected")


def _decide(
    target: Target,
    stations: Sequence[str],
    province: str | None,
    decide: "Callable[[RegistryRequest, datetime], Sequence[RegistryRecord]]",
    verb: str,
) -> None:
    """Write the decisions about stations that are named, or about all of a province that wait."""
    from pydantic import ValidationError

    from schemas.messages.registry.approvals import Approval
    from schemas.registry_requests import decision_time
    from schemas.validation_errors import first_problem

    if bool(stations) == (province is not None):
        raise click.UsageError("Name stations, or a --province.")
    if target.tier == "province":
        raise UserError("the ministry decides, not a province")
    with read_requests(target) as (requests, registry):
        chosen = _choose(requests, stations, province)
        try:
            records: list[RegistryRecord] = []
            for request in chosen:
                at = decision_time(datetime.now(UTC), registry.approvals.get(request.station))
                records += decide(request, at)
        except ValidationError as error:
            raise UserError(first_problem(error, Approval)) from error
        write(target, *(_to_message(target, record) for record in records))
    for request in chosen:
        echo(f"{verb} {request.station} of province {request.province}, sent by {request.account}")


def _choose(
    requests: "dict[str, RegistryRequest]", stations: Sequence[str], province: str | None
) -> "list[RegistryRequest]":
    if province is None:
        return [requests[code] for code in look_up_stations(stations, requests, "among the requests")]
    chosen = [r for r in requests.values() if r.province == province and r.state is RequestState.WAITING]
    if not chosen:
        raise UserError(f"no station of province {province} waits")
    return chosen


def _to_message(target: Target, record: "RegistryRecord") -> "Record":
    from quantrac.io.records import Record
    from schemas.registry import record_key

    return Record(target.registry, record_key(record), record.model_dump_json().encode())


def _describe(request: "RegistryRequest", waiting: Waiting) -> "Iterator[str]":
    yield f"{request.station:24} {request.state:9} {request.province}  {request.entry.name}"
    yield f"    sent {show_time(request.sent_at)} by {request.account}"
    if request.decided_at is not None:
        because = f": {request.reason}" if request.reason else ""
        yield f"    {request.state} {show_time(request.decided_at)} by {request.decided_by}{because}"
    elif request.reason:
        yield f"    {request.reason}"
    if request.state is not RequestState.APPROVED and request.takes_sets:
        yield "    the entry approved before holds, and its sets are taken"
    if request.ministry_entry is not None:
        yield f"    the ministry's own entry differs: {', '.join(_differing_fields(request))}"
    if waiting.sets:
        verb = "waits" if waiting.sets == 1 else "wait"
        yield f"    {count(waiting.sets, 'set')} with {count(waiting.readings, 'reading')} {verb}"


def _differing_fields(request: "RegistryRequest") -> list[str]:
    own, entry = request.ministry_entry, request.entry
    return [name for name in type(entry).model_fields if getattr(own, name) != getattr(entry, name)]


def _describe_in_json(request: "RegistryRequest", waiting: "dict[str, Waiting]") -> dict[str, Any]:
    total = waiting.get(request.station, Waiting())
    content: dict[str, Any] = request.model_dump(mode="json", exclude={"released_offset"})
    return content | {"waiting": {"sets": total.sets, "readings": total.readings}}
