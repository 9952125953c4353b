"""``quantrac limits``: the national standards, and what a station is held to."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import look_up_station
from quantrac.cli.registry_option import load_registry, registry_option
from quantrac.cli.shown_times import show_day, show_time
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import TIME
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.spellings import fold, suggest
from quantrac.errors import UserError

if TYPE_CHECKING:  # what reads files imports how: the help needs none of it
    from quantrac.domain.limits import Applied, Limit, Row, Standard
    from quantrac.domain.registry.permits import Permit
    from quantrac.domain.registry.stations import Station


@click.group()
def limits() -> None:
    """National standards (QCVN), and the limits that a station's permit makes of them."""


@limits.command("list")
def list_() -> None:
    """List the standards: when they hold, for what, how sure their values are."""
    from schemas.limits import load_national

    _table(
        (
            standard.name,
            _span(standard.valid_from, standard.valid_to),
            f"existing facilities until {show_day(standard.transition.until)}" if standard.transition else "",
            ", ".join(sorted(standard.media)),
            f"{len(standard.rows)} values" if standard.rows else "no values known",
            _certainties(standard),
            _permit_needed(standard),
        )
        for standard in load_national().standards.values()
    )


@limits.command()
@click.argument("standard")
@one_sentence
def show(standard: str) -> None:
    """Show the values of STANDARD, such as 'QCVN 40:2011/BTNMT', its choices and its sources."""
    from schemas.limits import load_national

    standards = load_national().standards
    entry = next((entry for entry in standards.values() if fold(entry.name) == fold(standard)), None)
    if entry is None:
        raise UserError(f"unknown standard {standard!r}{suggest(standard, standards)}")
    echo(f"{entry.name}: {entry.title} ({entry.title_vi})")
    holds = _span(entry.valid_from, entry.valid_to) or "always"
    echo(f"holds {holds} for {', '.join(sorted(entry.media))}")
    if entry.replaced_by:
        echo(f"replaced by {entry.replaced_by}")
    if entry.transition and entry.valid_to:
        whom = f"facilities that existed or had a licence before {show_day(entry.valid_to)}"
        source = f"({entry.transition.certainty}: {entry.transition.source})"
        echo(f"goes on until {show_day(entry.transition.until)} for {whom} {source}")
    echo(f"source: {entry.source} ({entry.certainty})")
    if entry.period_source:
        echo(f"averages that are judged: {entry.period_source}")
    if entry.note:
        echo(entry.note)
    for name, choices in (("column", entry.columns), ("category", entry.categories)):
        for key, about in choices:
            echo(f"{name} {key}: {about}")
    for factor in entry.coefficients:
        without = f"; not for {', '.join(sorted(factor.not_for))}" if factor.not_for else ""
        echo(f"coefficient {factor.name}: {factor.about}{without} ({factor.certainty}: {factor.source})")
        for value, when in factor.values:
            echo(f"  {shortest_decimal(value):4} {when}")
    _table(
        (
            row.parameter,
            row.period.value,
            row.category,
            row.column,
            bounds(row),
            _span(row.valid_from, row.valid_to),
            row.certainty,
            row.source,
        )
        for row in entry.rows
    )


@limits.command()
@click.argument("station")
@registry_option("The registry's YAML files or workbook.", required=True)
@click.option("--at", type=TIME, help="Of averages that start then; by default now.")
@one_sentence
def of(station: str, source: Path, at: datetime | None) -> None:
    """Show the limits that hold for STATION, and how each came about.

    \b
      quantrac limits of --registry my-registry/ NB_KCN_NUOTH1 --at 2026-03-25
    """
    from quantrac.domain.limits import basis_of, permit_at
    from schemas.limits import load_national
    from schemas.messages.registry.stations import Station as StationRecord

    records = {record.code: record for record in load_registry(source) if isinstance(record, StationRecord)}
    entry = records[look_up_station(station, records)].to_domain()
    then = at or datetime.now(UTC)
    permit = permit_at(entry.permits, then)
    echo(f"{entry.code} ({entry.type}) at {show_time(then)}: {_permit_text(permit)}")
    if since := basis_of(entry).facility_since:
        reason = "" if entry.facility_since else ", since its first permit here"
        echo(f"the facility exists since {show_day(since)}{reason}")
    applied = load_national().applied_to(entry, then)
    if not applied:
        echo("no limit holds")
    _table(
        (
            rule.limit.parameter,
            rule.limit.period.value,
            bounds(rule.limit),
            sums(rule),
            f"{rule.limit.standard} {rule.limit.column}".strip(),
            rule.limit.certainty,
            _reason_not_judged(entry, rule.limit, then),
        )
        for rule in applied
    )


def bounds(limit: "Limit | Row") -> str:
    """Write what a value must not go beyond, with unit and reference oxygen.

    >>> from quantrac.domain.limits import Row
    >>> from quantrac.domain.periods import Period
    >>> bounds(Row("PM", Period.DAY, "mg/Nm3", maximum=40, reference_oxygen=7))
    'at most 40 mg/Nm3 at 7 % O2'
    """
    low, high = (
        None if value is None else shortest_decimal(value) for value in (limit.minimum, limit.maximum)
    )
    if low is None or high is None:
        text = f"at least {low}" if high is None else f"at most {high}"
    else:
        text = f"{low} to {high}"
    oxygen = limit.reference_oxygen
    at_oxygen = "" if oxygen is None else f"at {shortest_decimal(oxygen)} % O2"
    return " ".join(part for part in (text, limit.unit, at_oxygen) if part)


def sums(applied: "Applied") -> str:
    """Write how a limit came about: ``75 x Kq 0.9 x Kf 1.1``; empty where nothing multiplies it."""
    if applied.row is None:
        return "stated by the permit"
    if not applied.factors:
        return ""
    factors = "".join(f" x {name} {shortest_decimal(value)}" for name, value in applied.factors)
    values = (applied.row.minimum, applied.row.maximum)
    return " and ".join(f"{shortest_decimal(value)}{factors}" for value in values if value is not None)


def _permit_text(permit: "Permit | None") -> str:
    if permit is None:
        return "no permit"
    parts = [
        f"permit {permit.number}" if permit.number else "permit",
        permit.standard,
        f"column {permit.column}" if permit.column else "",
        permit.category,
        *(f"{name} {shortest_decimal(value)}" for name, value in permit.coefficients),
    ]
    return ", ".join(part for part in parts if part)


def _reason_not_judged(station: "Station", limit: "Limit", time: datetime) -> str:
    """Say why a limit judges nothing of a station; empty = it does."""
    entry = station.parameter(limit.parameter, time)
    if entry is None:
        return "not measured"
    if entry.unit != limit.unit:
        return f"not judged: measured in {entry.unit}"
    if limit.reference_oxygen is not None and station.parameter("O2", time) is None:
        return "not judged: the station measures no O2"
    return ""


def _permit_needed(standard: "Standard") -> str:
    """Say whether its values hold without a permit: all, some, or none."""
    free = len(standard.free_rows)
    if 0 < free < len(standard.rows):
        return f"{free} without a permit"
    return "without a permit" if free else "by permit"


def _certainties(standard: "Standard") -> str:
    """Name how sure the values are: all alike, or from the surest on."""
    order = ("high", "medium", "low", "unverified")
    certainties = {row.certainty for row in standard.rows} or {standard.certainty}
    return ", ".join(certainty for certainty in order if certainty in certainties)


def _span(start: datetime | None, end: datetime | None) -> str:
    if start is None:
        return f"until {show_day(end)}" if end else ""
    return f"{show_day(start)} until {show_day(end)}" if end else f"from {show_day(start)}"


def _table(rows: Iterable[Sequence[str]]) -> None:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        echo("  ".join(cells).rstrip())
