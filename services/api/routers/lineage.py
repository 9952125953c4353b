"""The way of one reading: from the bytes it came from to the average and the receipt it went into."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from quantrac.domain.parsing.formats import find_format, split_line
from quantrac.domain.parsing.reasons import ParseError
from quantrac.domain.parsing.text import read_lines
from quantrac.domain.registry.stations import Station
from quantrac.domain.units import canonical_unit
from services.api import plain
from services.api.context import Context, InContext
from services.api.explanation import decision_about, judgements
from services.api.keys import Asking
from services.api.models import (
    Average,
    Decision,
    File,
    Lineage,
    Reading,
    Receipt,
    Superseded,
    UnitCorrection,
)
from services.api.plain import Row
from services.api.problems import NotFound
from services.api.queries import files, readings
from services.api.queries import lineage as queries
from services.api.times import Moment, iso

router = APIRouter(tags=["Lineage"])


class ReadingKey(BaseModel):
    """Which reading."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    parameter: Annotated[str, Field(examples=["PM2.5"])]
    """Catalogue code."""
    measured_at: Annotated[Moment, Field(examples=["2026-03-25T00:05:00+07:00"])]
    """ISO 8601 with a zone."""


@router.get("/lineage", summary="Trace a reading to the bytes it came from")
def lineage(key: Annotated[ReadingKey, Query()], reader: Asking, context: InContext) -> Lineage:
    """Show a reading's file and line, what each test said, its decision, versions, average and receipts."""
    station, database = reader.station(key.station), context.database
    series = {"station": station.code, "parameter": key.parameter}
    row = readings.one(database, **series, measured_at=key.measured_at)
    if row is None:
        raise NotFound(f"{station.code} has no reading of {key.parameter} at {iso(key.measured_at)}.")
    file = queries.file(database, station=station.code, received_at=row["received_at"])
    average = queries.average(database, **series, measured_at=key.measured_at)
    content = _content(file, context)
    receipts = queries.receipts(database, station=station.code, file_id=file["file_id"]) if file else []
    text = None if content is None else line_text(content, row["line"], station.encoding)
    zone = ZoneInfo(station.timezone)
    reading = plain.reading(row, station)
    decision = decision_about(context, station.code, key.parameter, row["measured_at"])
    revisions = queries.revisions(database, **series, measured_at=key.measured_at)
    return Lineage(
        reading=Reading(**reading),
        file=File.of(file, raw=context.keeps_bytes) if file else None,
        raw=_place(content, context),
        raw_bytes=None if content is None else len(content),
        line_text=text,
        unit_correction=_unit_correction(station, row, text),
        average=Average(**plain.average(average, zone)) if average else None,
        receipts=[Receipt(**receipt) for receipt in receipts],
        tests=judgements(reading, station, context, reader.may_read),
        decision=Decision.of(decision) if decision else None,
        revisions=[Superseded(**each, flag_name=plain.flag_name(each["flag"])) for each in revisions],
    )


def line_text(content: bytes, number: int, encoding: str = "utf-8") -> str | None:
    """Return a line of a file, counted from 1 as the parser counts, or ``None`` where it has no such line.

    >>> line_text(b"PM2.5\\t27.8\\r\\nPM10\\t41.5\\r\\n", 2)
    'PM10\\t41.5'
    """
    try:
        lines = read_lines(content, encoding)
    except ParseError:
        return None
    text = [*lines.complete, lines.rest]
    return text[number - 1] if 1 <= number <= len(text) else None


def _unit_correction(station: Station, row: Row, line: str | None) -> UnitCorrection | None:
    """Return the registry's rule for the unit that the line writes, where one was in force."""
    entry = station.parameter(row["parameter"], row["measured_at"])
    columns = split_line(line or "")
    form = find_format(columns)
    if entry is None or form is None:
        return None
    written = form.arrange(columns)[2]
    for wrong, really in entry.unit_override:
        if canonical_unit(wrong) == canonical_unit(written):
            period = {"valid_from": entry.valid_from, "valid_to": entry.valid_to}
            return UnitCorrection(written=written, really=really, **period)
    return None


def _content(file: Row | None, context: Context) -> bytes | None:
    if file is None or not context.keeps_bytes:
        return None
    senders = (file["station"], file["account"])
    found = files.content(context.database, file["file_id"], senders=senders)
    return found[1] if found else None


def _place(content: bytes | None, context: Context) -> Literal["here", "at the province", "not stored yet"]:
    if not context.keeps_bytes:
        return "at the province"
    return "not stored yet" if content is None else "here"
