"""``quantrac qa``: the flags of one series in a CSV file, with no stack and no registry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from quantrac.cli.csv_units import describe_doubt, find_conversion
from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import PARAMETER
from quantrac.cli.series_csv import Series, interval, read_series
from quantrac.cli.terminal import count, csv_writer, echo
from quantrac.domain.catalogue import Parameter
from quantrac.domain.csv_rows import ENCODING, ENCODING_ERRORS
from quantrac.domain.registry.stations import StationType
from quantrac.domain.stamps import Stamps
from quantrac.domain.times import DAY, to_seconds
from quantrac.errors import UserError

UNREADABLE = "format"
"""Shown as the test of a row whose time or value could not be read; such a row fails."""
_MOST_STEPS = 100_000_000
"""Steps among which gaps are looked for: a byte each."""


class _Interval(click.ParamType):
    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            step = interval(value)
        except UserError as error:
            self.fail(str(error), param, ctx)
        return step


@click.command()
@click.argument("series", type=click.File(encoding=ENCODING, errors=ENCODING_ERRORS))
@click.option("--parameter", type=PARAMETER, required=True, help="Code or any name the catalogue knows.")
@click.option(
    "--medium",
    type=click.Choice([medium.value for medium in StationType]),
    required=True,
    help="What the station measures in; decides the rules.",
)
@click.option("--interval", "step", type=_Interval(), help="Between two rows: 15min, 300s, 1h.")
@click.option(
    "--stamps",
    type=click.Choice([stamps.value for stamps in Stamps]),
    default=Stamps.INSTANT.value,
    show_default=True,
    help="What a time names of its interval: a rule by the hour of day is that of the interval's middle.",
)
@click.option(
    "--rules",
    "path",
    type=click.Path(exists=True, path_type=Path),
    help="Rule file, or folder of rule files; by default the national ones.",
)
@click.option("--unit", help="Of the values; by default what the heading states, else the usual unit.")
@one_sentence
def qa(
    *,
    series: Any,
    parameter: Parameter,
    medium: str,
    step: timedelta | None,
    stamps: str,
    path: Path | None,
    unit: str | None,
) -> None:
    """Flag the rows of SERIES, a CSV file with the columns time,value and, if known, status.

    An empty value is missing; one beyond what the method can measure, such as <0.2, is judged by few tests.
    Values are in the usual unit of the parameter in the medium where neither --unit nor the heading, such as
    "value (mg/m3)", says otherwise. Times without a zone are Vietnam's (UTC+7).

    Prints time,value,flag,tests: the QARTOD flag (1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing) and
    the names of the tests that led to it where it is not good, one row for each row and in its order. The
    tests and rules are those of the validator.

    \b
      quantrac qa series.csv --parameter PM2.5 --medium ambient-air --interval 5min
    """
    import numpy as np

    from quantrac.domain.qa.stored.offline import Series as Rows
    from quantrac.domain.qa.stored.offline import flag_series
    from schemas.rules import NATIONAL, RuleBook, load

    if step is None and stamps != Stamps.INSTANT:
        raise UserError(f"--stamps {stamps} needs the --interval whose {stamps} the times name")
    rows = read_series(series)
    seconds = [to_seconds(time) for time in rows.time]
    columns = Rows(
        np.array(seconds),
        np.array(_usual_values(rows, seconds, parameter, StationType(medium), unit)),
        np.array(rows.status, dtype=object),
        np.array(rows.qualifier, dtype=object),
    )
    flagged = flag_series(
        {parameter.code: columns},
        StationType(medium),
        book=RuleBook(load(path or NATIONAL)),
        now=datetime.now(UTC),
        interval=step.total_seconds() if step else None,
        stamps=Stamps(stamps),
    )[parameter.code]
    _print(rows, flagged.flag.tolist(), flagged.tests)
    if step is not None:
        _print_gaps(rows, step.total_seconds())
    for row, reason in rows.unreadable.items():
        echo(f"quantrac: row {row + 1} after the header: {reason}", err=True)


def _usual_values(
    rows: Series, seconds: Sequence[float], parameter: Parameter, medium: StationType, unit: str | None
) -> Sequence[float]:
    """Return the values in the unit that the rules are in, and say where they cannot be in the stated one."""
    usual = parameter.units.get(medium) or next(iter(parameter.units.values()), "")
    unit = unit or rows.unit or usual
    factors = find_conversion(parameter.code, unit, usual, medium, "the unit of the values")
    values = rows.value if factors is None else [factors.apply(value) for value in rows.value]
    if medium is StationType.AMBIENT_AIR:
        values_by_day = ((int(time // DAY), value) for time, value in zip(seconds, values, strict=True))
        if doubt := describe_doubt(parameter.code, unit, values_by_day, "--unit {unit}"):
            echo(f"quantrac: {doubt}", err=True)
    return values


def _print(rows: Series, flags: list[int], tests: list[Mapping[str, int]]) -> None:
    out = csv_writer()
    out.writerow(("time", "value", "flag", "tests"))
    for row, (flag, outcomes) in enumerate(zip(flags, tests, strict=True)):
        shown = (4, UNREADABLE) if row in rows.unreadable else (flag, ";".join(_reasons(flag, outcomes)))
        out.writerow((rows.time_text[row], rows.value_text[row], *shown))


def _print_gaps(rows: Series, interval: float) -> None:
    """Say on the error stream how much is missing, told apart by cause."""
    import numpy as np

    from quantrac.domain.qa.checks.gap import find_gaps

    present = [row for row in range(len(rows.time)) if row not in rows.unreadable]
    answered = [row for row in present if np.isfinite(rows.value[row]) or rows.status[row] != "00"]
    if not answered:
        return
    times = [to_seconds(rows.time[row]) for row in answered]
    if max(times) - min(times) > _MOST_STEPS * interval:
        echo("quantrac: the times lie too far apart to count what is missing between them", err=True)
        return
    gaps = find_gaps(
        times, [rows.status[row] for row in answered], start=min(times), end=max(times) + 1, interval=interval
    )
    for cause in dict.fromkeys(gap.cause for gap in gaps):
        steps = [gap.steps for gap in gaps if gap.cause is cause]
        echo(f"quantrac: {cause}: {count(len(steps), 'gap')}, {count(sum(steps), 'step')}", err=True)


def _reasons(flag: int, tests: Mapping[str, int]) -> list[str]:
    """Name what led to a flag.

    >>> _reasons(4, {"status": 1, "physical_range": 4, "own_range": 3, "grid": 2})
    ['physical_range', 'own_range']
    >>> _reasons(1, {"status": 1, "grid": 2})
    []
    """
    if flag == 1:
        return []
    worth = {2} if flag == 2 else {3, 4, 9}
    return [name for name, outcome in tests.items() if outcome in worth]
