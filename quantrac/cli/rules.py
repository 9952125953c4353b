"""``quantrac rules``: check, compare and put in force the thresholds of the quality tests."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.names import PARAMETER_CODE, look_up_station
from quantrac.cli.options import data_option
from quantrac.cli.registry_source import SOURCE, check_source
from quantrac.cli.registry_topic import read_registry, reason, user, write
from quantrac.cli.series_csv import read_series
from quantrac.cli.shown_times import show_day, show_span, show_time
from quantrac.cli.target import Target, target_options, tier_option
from quantrac.cli.terminal import count, echo
from quantrac.cli.time_options import TIME
from quantrac.domain.catalogue import look_up_parameter
from quantrac.domain.csv_rows import ENCODING, ENCODING_ERRORS
from quantrac.domain.registry.stations import StationType
from quantrac.errors import UserError

if TYPE_CHECKING:  # what reads rules imports how, and the clients when something is asked of them
    from quantrac.domain.qa.window import Floats
    from quantrac.domain.registry.activations import Activation
    from quantrac.domain.registry.registry import Registry

_PROMPT_SECONDS = 5.0
"""Of the ten seconds' notice of a switch; the rest is for the validators to read the record."""

_PATH = click.Path(path_type=Path, exists=True)

_GOOD = """
SELECT toUnixTimestamp(measured_at) AS time, value FROM readings FINAL
WHERE station = {station:String} AND parameter = {parameter:String} AND flag = 1 AND qualifier = ''
  AND measured_at >= {start:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
ORDER BY measured_at
"""
_PARAMETERS = "SELECT DISTINCT parameter FROM readings WHERE station = {station:String} ORDER BY parameter"


@click.group()
def rules() -> None:
    """Thresholds of the quality tests: what they are, who changed them and why."""


@rules.command()
@click.argument("path", type=_PATH)
@click.option(
    "--registry", "source", type=SOURCE, help="Registry folder or workbook that must have its stations."
)
@one_sentence
def check(path: Path, source: Path | None) -> None:
    """Read a rule file or folder and say whether it could be activated.

    Stations that it has rules for are looked up with --registry; `quantrac rules activate` looks them up in
    the registry in force.
    """
    from schemas.rules import load

    rule_set = load(path)
    if source is not None:
        from schemas.messages.registry.stations import Station
        from schemas.rules.stations import check_stations

        records = check_source(source, None).records
        check_stations(rule_set, [record.code for record in records if isinstance(record, Station)])
    elif rule_set.stations:
        names = count(len(rule_set.stations), "station")
        echo(f"{path}: rules for {names}, not looked up; --registry DIR looks in a registry folder")
    settings = sum(len(tests) for tests in rule_set.settings.values())
    echo(f"{path}: {settings} settings, no mistake, version {rule_set.version}")


@rules.command()
@click.argument("path", type=_PATH)
@click.option("--why", required=True, help="Reason, for the log.")
@click.option("--by", help="Who decides; by default the user logged in.")
@click.option("--at", type=TIME, help="Judge what is received from then on; by default 10 s from now.")
@one_sentence
@target_options
def activate(path: Path, why: str, by: str | None, at: datetime | None, target: Target) -> None:
    """Put a rule file or folder in force: every service follows at the same reading.

    \b
      quantrac rules activate my-rules/ --why "letter 12 of the department"
    """
    from quantrac.io.records import Record
    from schemas.registry import record_key
    from schemas.rules import RuleBook, load
    from schemas.rules.book import activation
    from schemas.rules.differences import differences
    from schemas.rules.stations import check_stations

    rule_set = load(path)
    with read_registry(target) as registry:
        check_stations(rule_set, registry.stations)
        now = datetime.now(UTC)
        book = RuleBook(load(), registry)
        record = activation(rule_set, by=by or user(), why=reason(why), now=now, received_from=at)
        changes = differences(book.rules(now, now), rule_set, _types(registry))
        value = record.model_dump_json().encode()
        write(target, Record(target.registry, record_key(record), value), timeout=_PROMPT_SECONDS)
    echo(f"{rule_set.version} judges what is received from {show_time(record.received_from or now)} on")
    _echo_all("  ", changes)


@rules.command()
@one_sentence
@target_options
def log(target: Target) -> None:
    """Show every activation: when, who, from when on, why, and what it changed.

    That of a replay is compared with what had judged its readings before; where they were received under
    several rule sets, with each of them.
    """
    from schemas.rules import RuleBook, load
    from schemas.rules.differences import differences

    with read_registry(target) as registry:
        book, types = RuleBook(load(), registry), _types(registry)
        for record, rule_set in book.activations:
            echo(f"{show_time(record.activated_at)} {record.by} {record.version} {_span(record)}")
            echo(f"  why: {record.why}")
            earlier = book.rule_sets_before(record)
            for before in earlier:
                several = len(earlier) > 1
                if several:
                    echo(f"  of what {before.version} had judged:")
                _echo_all("    " if several else "  ", differences(before, rule_set, types))


@rules.command()
@click.option(
    "--station", default="", metavar="CODE", help="As a station has it; by default as its type has."
)
@click.option(
    "--type", "station_type", type=click.Choice([t.value for t in StationType]), help="Station type."
)
@click.option("--parameter", type=PARAMETER_CODE, metavar="CODE", help="By default what all have.")
@click.option("--rules", "path", type=_PATH, help="File or folder; by default the rules in force.")
@tier_option
@data_option
@one_sentence
def show(
    *, station: str, station_type: str | None, parameter: str | None, path: Path | None, **where: Any
) -> None:
    """Show the thresholds of a series, each with the scope that sets it and its source."""
    from schemas.rules import RuleBook, load
    from schemas.rules.differences import show_value

    now = datetime.now(UTC)
    if path is not None:
        rule_set = load(path)
    else:
        registry = _registry_there(**where)
        rule_set = RuleBook(load(), registry).rules(now, now)
        if station:
            station = look_up_station(station, registry.stations)
            station_type = station_type or registry.stations[station].type.value
    echo(f"version {rule_set.version}; a reading needs {', '.join(sorted(rule_set.required)) or 'no test'}")
    series = station_type or "", station, parameter or "", now
    layers = rule_set.layers(*series)
    for test, thresholds in rule_set.thresholds(*series).items():
        texts = ", ".join(f"{name} {show_value(value)}" for name, value in thresholds.items())
        echo(f"{test:16} {texts}".rstrip())
        for scope, entry in layers[test]:
            echo(f"{'':16} from {scope}: {entry.source or 'no source named'}")


@rules.command()
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@one_sentence
def diff(old: Path, new: Path) -> None:
    """Show what NEW changes of what OLD puts in force, threshold by threshold.

    Both are rule files or folders, with or without a section 'national'; the shipped rules are what a file
    without one lies over. The type of a station stands in the registry, which is not asked here: where a
    change differs from type to type, the types are named.

    \b
      quantrac rules diff schemas/rules/national my-rules/
    """
    from schemas.rules import load
    from schemas.rules.differences import differences

    _echo_all("", differences(load(old), load(new)))


@rules.command()
@click.argument("station")
@click.option(
    "--parameter",
    "parameters",
    type=PARAMETER_CODE,
    multiple=True,
    metavar="CODE",
    help="May be given several times; by default all it measures.",
)
@click.option(
    "--csv",
    "files",
    multiple=True,
    metavar="CODE=FILE",
    help="Read time,value from a CSV instead; may be given several times.",
)
@click.option("--from", "start", type=TIME, default="2000-01-01", show_default=True, help="Measured since.")
@click.option("--to", "end", type=TIME, help="Measured before; by default now.")
@click.option(
    "--low", type=float, default=0.01, show_default=True, help="Lower quantile of a month and hour."
)
@click.option("--high", type=float, default=0.99, show_default=True, help="Upper quantile.")
@click.option("--margin", type=float, default=0.5, show_default=True, help="Room on each side, in widths.")
@click.option("--at-least", type=int, default=30, show_default=True, help="Values a month and hour needs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rules"),
    show_default=True,
    help="Folder of rule files to write into.",
)
@tier_option
@data_option
@one_sentence
def climatology(
    *,
    station: str,
    parameters: Sequence[str],
    files: Sequence[str],
    start: datetime,
    end: datetime | None,
    low: float,
    high: float,
    margin: float,
    at_least: int,
    out: Path,
    **where: Any,
) -> None:
    """Compute a station's own range by month and hour, and write it as OUT/stations/STATION.yaml.

    Takes the good readings that are stored, each in the hour that the registry's stamps of the station
    decide, or CSV files of good readings, each in the hour of its time.
    """
    from quantrac.domain.qa.baseline.climatology_table import climate
    from quantrac.domain.stamps import middles
    from schemas.rules.climatology import Series, climatology_file

    since, until = start, end or datetime.now(UTC)
    if files:
        readings = dict(_read_csv(entry, since, until) for entry in files)
    else:
        stations = _registry_there(**where).stations
        station = look_up_station(station, stations)
        offsets = stations[station].middle_offsets()
        stored = _read_stored(_target_there(**where), station, parameters, since, until)
        readings = {code: (middles(time, offsets), value) for code, (time, value) in stored}
    series = [
        Series(code, *climate(*readings[code], low=low, high=high, margin=margin, at_least=at_least))
        for code in readings
    ]
    with_limits = [entry for entry in series if entry.known]
    if not with_limits:
        raise UserError(f"{station}: no month and hour has {at_least} good readings, no table to compute")
    source = (
        f"computed from {station}, {show_day(since)} to {show_day(until)}: quantiles {low:g} and {high:g}, "
        f"margin {margin:g}, at least {at_least} values"
    )
    path = out / "stations" / f"{station}.yaml"
    _write_climatology(path, climatology_file(station, with_limits, source))
    for entry in series:
        echo(f"{entry.parameter:16} {entry.known:3} of 288 months and hours")
    echo(f"wrote {path}")


@target_options
def _registry_there(*, target: Target) -> "Registry":
    with read_registry(target) as registry:
        return registry


@target_options
def _target_there(*, target: Target) -> Target:
    return target


def _read_stored(
    target: Target, station: str, parameters: Sequence[str], since: datetime, until: datetime
) -> "Iterator[tuple[str, tuple[Floats, Floats]]]":
    import numpy as np

    from quantrac.io.clickhouse import ClickHouse, ClickHouseError
    from schemas.rules.files import CODES

    database = ClickHouse(target.clickhouse)
    bindings = {
        "station": station,
        "start": f"{since:%Y-%m-%d %H:%M:%S}",
        "end": f"{until:%Y-%m-%d %H:%M:%S}",
    }
    try:
        measured = [row[0] for row in database.query(_PARAMETERS, bindings).rows]
        codes = parameters or [code for code in measured if code in CODES]
        for code in codes:
            rows = np.array(database.query(_GOOD, {**bindings, "parameter": code}).rows, dtype=np.float64)
            yield code, (rows.reshape(-1, 2)[:, 0], rows.reshape(-1, 2)[:, 1])
    except ClickHouseError as error:
        raise UserError(f"ClickHouse: {error}") from error


def _read_csv(argument: str, since: datetime, until: datetime) -> "tuple[str, tuple[Floats, Floats]]":
    import numpy as np

    code, _, path = argument.partition("=")
    if not path:
        raise UserError(f"--csv {argument!r}: write it as CODE=FILE, such as PM2.5=pm25.csv")
    code = look_up_parameter(code).code
    try:
        with Path(path).open(newline="", encoding=ENCODING, errors=ENCODING_ERRORS) as stream:
            series = read_series(stream)
    except OSError as error:
        raise UserError(f"{path}: {error}") from error
    if series.unit is not None:
        raise UserError(f"{path}: write 'value' without a unit: it is that of the station's registry entry")
    time = np.array([moment.timestamp() for moment in series.time])
    value = np.array(series.value)
    usable = (time >= since.timestamp()) & (time < until.timestamp())
    usable[list(series.unreadable)] = False
    usable[[row for row, qualifier in enumerate(series.qualifier) if qualifier]] = False
    return code, (time[usable], value[usable])


def _write_climatology(path: Path, text: str) -> None:
    from schemas.rules import load
    from schemas.rules.climatology import MARK

    if path.exists() and not path.read_text(encoding="utf-8").startswith(MARK):
        raise UserError(f"{path} was written by a person; choose another folder with --out, or move it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    load(path)


def _span(record: "Activation") -> str:
    if record.received_from is not None:
        return f"received from {show_time(record.received_from)}"
    return f"measured from {show_span(record.measured_from, record.measured_to)}"


def _types(registry: "Registry") -> dict[str, str]:
    return {code: station.type.value for code, station in registry.stations.items()}


def _echo_all(indent: str, changes: Sequence[object]) -> None:
    for change in changes:
        echo(f"{indent}{change}")
    if not changes:
        echo(f"{indent}nothing changes")
