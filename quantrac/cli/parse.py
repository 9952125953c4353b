"""``quantrac parse``: what the receiver makes of a file, with no stack and no registry."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.parse_advice import explanation, layout_report
from quantrac.cli.terminal import echo
from quantrac.domain.assignment import assign_station
from quantrac.domain.parsing import ParsedFile, parse_file
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import to_iso

READ, SOME_REJECTED, UNREADABLE = 0, 1, 2
_REJECT_WIDTH = 100


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file and line.")
@click.option(
    "--registry",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of registry files: names, units and clock are then those of the station.",
)
@click.option("--explain", is_flag=True, help="Say why each line was rejected and what to change.")
@click.option(
    "--layout",
    "folders",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Say in which of the ten folder layouts FOLDER, or what is in it, lays out its days.",
)
@one_sentence
def parse(
    files: tuple[str, ...], *, as_json: bool, directory: Path | None, explain: bool, folders: tuple[Path, ...]
) -> None:
    """Show what the receiver makes of station files.

    Without a registry, names that the catalogue knows are shown by their code; values stay in the unit of
    the file; times are UTC, read from a station clock at UTC+7.

    Exit status: 0 every line was read, 1 some lines were rejected, 2 a file gave no reading (the worst of
    all files).
    """
    if not files and not folders:
        raise click.UsageError("Give a FILE, or --layout FOLDER.")
    if as_json and explain:
        raise click.UsageError("--explain is for people; --json has the reasons too.")
    reports = [layout_report(folder) for folder in folders]
    echo("\n".join(line for lines, _ in reports for line in lines), nl=bool(reports))
    stations = _stations(directory) if directory else []
    worst = max((_show(path, as_json, stations, explain=explain) for path in files), default=READ)
    sys.exit(max([worst, *(READ if is_known else UNREADABLE for _, is_known in reports)]))


def _stations(directory: Path) -> list[Station]:
    from schemas.messages.registry.stations import Station as StationRecord
    from schemas.registry import load_directory

    records = load_directory(directory)
    return [record.to_domain() for record in records if isinstance(record, StationRecord)]


def _show(path: str, as_json: bool, stations: list[Station], *, explain: bool) -> int:
    shown = click.format_filename(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        echo(f"{shown}: {error.strerror or error}.", err=True)
        return UNREADABLE
    folder = str(Path(path).parent)
    station = assign_station(Path(path).name, stations, folder) if stations else None
    parsed = parse_file(content, path, station, datetime.now(UTC))
    if as_json:
        echo(json.dumps({"file": shown, **to_json(parsed)}))
    else:
        echo("\n".join(_table(shown, parsed)))
        if explain:
            echo("\n".join(explanation(parsed, station)) + "\n")
    if not parsed.readings:
        return UNREADABLE
    return SOME_REJECTED if parsed.rejects else READ


def to_json(parsed: ParsedFile) -> dict[str, Any]:
    """Return a parsed file as plain JSON values; times are UTC, ISO 8601 with ``Z``."""
    return {
        "station": parsed.station_code,
        "format": parsed.format,
        "readings": [
            {
                "line": reading.line,
                "parameter": reading.parameter,
                "value": reading.value,
                "text": reading.text,
                "unit": reading.unit,
                "measured_at": _utc(reading.measured_at),
                "status": reading.status,
                "qualifier": reading.qualifier,
            }
            for reading in parsed.readings
        ],
        "rejects": [
            {"line": reject.line, "text": reject.text, "reason": reject.reason, "detail": reject.detail}
            for reject in parsed.rejects
        ],
    }


def _utc(time: datetime) -> str:
    return to_iso(time)


def _table(shown: str, parsed: ParsedFile) -> Iterator[str]:
    yield f"{shown}: {len(parsed.readings)} read, {len(parsed.rejects)} rejected"
    yield f"  station {parsed.station_code or '(none in the name)'}, format {parsed.format or '(none)'}"
    if parsed.readings:
        yield from _align(
            [
                ("line", "parameter", "value", "unit", "measured at (UTC)", "status"),
                *(
                    (str(r.line), r.parameter, r.text.strip(), r.unit or "-", _utc(r.measured_at), r.status)
                    for r in parsed.readings
                ),
            ]
        )
    for reject in parsed.rejects:
        source = f"line {reject.line}" if reject.line else "file"
        yield f"  {source} rejected, {reject.reason}: {_printable(reject.detail)}"
        if reject.text:
            yield f"    {_printable(reject.text)[:_REJECT_WIDTH]}"
    yield ""


def _align(rows: list[tuple[str, ...]]) -> Iterable[str]:
    cells = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(rows[0]))]
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _printable(text: str) -> str:
    """Show TABs, and keep a hostile file's control sequences out of the terminal."""
    return "".join(c if c.isprintable() else "\N{MIDDLE DOT}" for c in text.replace("\t", "→"))
