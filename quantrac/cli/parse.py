"""``quantrac parse``: what the receiver makes of a file, and what the validator would, with no stack."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.parse_advice import describe_doubts, explanation, layout_report
from quantrac.cli.registry_option import load_registry, registry_option
from quantrac.cli.shown_times import show_time
from quantrac.cli.terminal import echo
from quantrac.cli.time_options import Time
from quantrac.domain.bounds import RECEIVED
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.inspection.doubt import Doubt
from quantrac.domain.inspection.file import InspectedFile, inspect_file
from quantrac.domain.inspection.json_form import to_json, to_strict_json
from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.qualifiers import split_qualifier
from quantrac.domain.readings import Reading
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.domain.spellings import did_you_mean
from quantrac.domain.units import canonical_unit
from quantrac.errors import UserError

READ, SOME_REJECTED, UNREADABLE = 0, 1, 2
_REJECT_WIDTH = 100
_STDIN = "-"


class _Receipt(Time):
    """A time at which a file can be received."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        moment = to_milliseconds(super().convert(value, param, ctx))
        if problem := RECEIVED.problem(moment):
            self.fail(f"{value!r} {problem}", param, ctx)
        return moment


@dataclass(frozen=True, slots=True)
class _Task:
    """How files are to be read and shown."""

    received_at: datetime
    stations: Sequence[Station] | None
    """``None`` = by the catalogue."""
    find_doubts: Callable[[InspectedFile], list[Doubt]] | None
    """``None`` = nobody asked."""
    as_json: bool
    is_strict: bool
    has_explanations: bool
    name: str | None
    """Of the file as it is sent."""


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file and line.")
@registry_option("Registry: station, names, units and clock are then those that the receiver takes.")
@click.option(
    "--strict",
    is_flag=True,
    help="Ask the quality tests too; end with 1 where a reading would be flagged or something was assumed.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="CODE",
    help="With --strict: a doubt that is no fault of this logger, by its code. May be given several times.",
)
@click.option("--explain", is_flag=True, help="Say why lines are rejected or doubted, and what to change.")
@click.option(
    "--rules",
    type=click.Path(exists=True, path_type=Path),
    help="Rule file, or folder of rule files, of the quality tests; by default the national ones.",
)
@click.option(
    "--received-at",
    type=_Receipt(),
    help="When the file is taken to be received; by default now.",
)
@click.option("--name", help="Name of the file as it is sent, where it is another one; needed for -.")
@click.option(
    "--layout",
    "folders",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Say in which of the ten folder layouts FOLDER, or what is in it, lays out its days. May be given "
    "several times.",
)
@one_sentence
def parse(
    files: tuple[str, ...],
    *,
    as_json: bool,
    source: Path | None,
    strict: bool,
    allow: tuple[str, ...],
    explain: bool,
    rules: Path | None,
    received_at: datetime | None,
    name: str | None,
    folders: tuple[Path, ...],
) -> None:
    """Show what the receiver makes of station files; - reads one from standard input.

    Values and units are shown as they are stored, and beside them how they were written where that differs.
    Without a registry, names that the catalogue knows are shown by their code, values stay in the unit of
    the file, and times are read from a station clock at UTC+7. Times are shown on Vietnam's clock; --json has
    UTC. docs/station-files.md describes the files, and every reason and doubt.

    Exit status: 0 every line was read, 1 some lines were rejected (with --strict, or would be flagged or were
    read by an assumption), 2 a file gave no reading (the worst of all files).
    """
    if not files and not folders:
        raise click.UsageError("Give a FILE, or --layout FOLDER.")
    if as_json and explain:
        raise click.UsageError("--explain is for people; --json has the reasons too.")
    if (allow or rules) and not (strict or explain):
        raise click.UsageError("--allow and --rules are about what --strict and --explain look for.")
    if name is not None and len(files) != 1:
        raise click.UsageError("--name is that of one FILE.")
    reports = [layout_report(folder) for folder in folders]
    echo("\n".join(line for lines, _ in reports for line in lines), nl=bool(reports))
    registry = _read_registry(source) if source else None
    task = _Task(
        received_at or to_milliseconds(datetime.now(UTC)),
        list(registry.stations.values()) if registry else None,
        _doubt_finder(registry or Registry(), rules, frozenset(allow)) if strict or explain else None,
        as_json,
        strict,
        explain,
        name,
    )
    worst = max((_show(path, task) for path in files), default=READ)
    sys.exit(max([worst, *(READ if is_known else UNREADABLE for _, is_known in reports)]))


def to_milliseconds(time: datetime) -> datetime:
    """Cut a time to whole milliseconds, as times of receipt are."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _read_registry(source: Path) -> Registry:
    from schemas.registry import to_registry

    return to_registry(load_registry(source))


def _doubt_finder(
    registry: Registry, rules: Path | None, allowed: frozenset[str]
) -> Callable[[InspectedFile], list[Doubt]]:
    # numpy and the rules take longer to read than all else that the command does.
    from quantrac.domain.inspection.doubt import Assumption
    from quantrac.domain.inspection.doubts import find_doubts
    from quantrac.domain.qa.checks.table import TESTS
    from schemas.rules import NATIONAL, RuleBook, load

    codes = [*map(str, Assumption), *TESTS]
    for code in sorted(allowed.difference(codes)):
        raise UserError(f"{code!r} is no code of a doubt{did_you_mean(code, codes)}")
    book = RuleBook(load(rules or NATIONAL))
    return lambda file: [doubt for doubt in find_doubts(file, registry, book) if doubt.code not in allowed]


def _show(path: str, task: _Task) -> int:
    shown = task.name or click.format_filename(path)
    try:
        content = sys.stdin.buffer.read() if path == _STDIN else Path(path).read_bytes()
    except OSError as error:
        echo(f"{shown}: {error.strerror or error}.", err=True)
        return UNREADABLE
    sent_as = Path(task.name or path)
    file = inspect_file(content, sent_as.name, task.received_at, task.stations, str(sent_as.parent))
    doubts = task.find_doubts(file) if task.find_doubts else []
    if task.as_json:
        form = to_strict_json(file, doubts) if task.is_strict else to_json(file.parsed)
        echo(json.dumps({"file": shown, **form}))
    else:
        echo("\n".join(_table(shown, file)))
        if task.has_explanations:
            echo("\n".join(explanation(file, doubts, has_registry=task.stations is not None)) + "\n")
        elif doubts:
            echo("\n".join(describe_doubts(doubts)) + "\n")
    if not file.parsed.readings:
        return UNREADABLE
    return SOME_REJECTED if file.parsed.rejects or (task.is_strict and doubts) else READ


def _table(shown: str, file: InspectedFile) -> Iterator[str]:
    parsed = file.parsed
    yield f"{shown}: {len(parsed.readings)} read, {len(parsed.rejects)} rejected"
    yield f"  station {parsed.station_code or '(none in the name)'}, format {parsed.format or '(none)'}"
    if parsed.readings:
        rows: list[tuple[str, ...]] = [
            (
                str(reading.line),
                reading.parameter,
                _show_stored(reading),
                reading.unit or "-",
                show_time(reading.measured_at),
                reading.status,
                _show_written(reading, file),
            )
            for reading in parsed.readings
        ]
        head: tuple[str, ...] = (
            "line",
            "parameter",
            "value",
            "unit",
            "measured at",
            "status",
            "as written",
        )
        if not any(row[-1] for row in rows):
            head, rows = head[:-1], [row[:-1] for row in rows]
        yield from _align([head, *rows])
    for reject in parsed.rejects:
        source = f"line {reject.line}" if reject.line else "file"
        yield f"  {source} rejected, {reject.reason}: {_printable(reject.detail)}"
        if reject.text:
            yield f"    {_printable(reject.text)[:_REJECT_WIDTH]}"
    yield ""


def _show_stored(reading: Reading) -> str:
    """Write the stored value, as the file does where that says the same number."""
    text = split_qualifier(reading.text)[1].strip()
    return reading.qualifier + (text if _is_number(text, reading.value) else shortest_decimal(reading.value))


def _show_written(reading: Reading, file: InspectedFile) -> str:
    """Return value and unit as they stood in the file; empty where they say what is stored."""
    _, text, unit, _, _ = (column.strip() for column in file.written[reading.line])
    if text == _show_stored(reading) and canonical_unit(unit) == (canonical_unit(reading.unit) or ""):
        return ""
    return f"{text} {unit or '(no unit)'}" if unit or reading.unit else text


def _is_number(text: str, value: float) -> bool:
    try:
        return read_plain(text) == value
    except NumberError:
        return False


def _align(rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    cells = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _printable(text: str) -> str:
    """Show TABs, and keep a hostile file's control sequences out of the terminal."""
    return "".join(c if c.isprintable() else "\N{MIDDLE DOT}" for c in text.replace("\t", "→"))
