"""The way of one reading: from the bytes it came from to the average and the receipt it went into."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.api.averages.answer import Average, present_average
from services.api.common.answers import Row
from services.api.common.context import ApiContext, Context
from services.api.common.keys import CurrentReader
from services.api.common.names import ParameterName, resolve_parameter
from services.api.common.problems import NotFound
from services.api.common.times import QueryTime, iso, time_zone
from services.api.files.answer import File
from services.api.files.query import find_content
from services.api.indices.answer import Index, present_index
from services.api.lineage.answer import Averaged, Decision, Lineage, Receipt, Superseded
from services.api.lineage.explanation import build_judgements, find_decision
from services.api.lineage.file_line import find_line, find_unit_correction
from services.api.lineage.query import (
    find_average,
    find_file,
    find_indices,
    select_receipts,
    select_revisions,
)
from services.api.readings.answer import Reading, flag_name, present_reading
from services.api.readings.query import find_reading

router = APIRouter(tags=["Lineage"])


class ReadingKey(BaseModel):
    """Which reading."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    station: Annotated[str, Field(examples=["HN_BKHN_KHIKXQ"])]
    """Station code."""
    parameter: ParameterName
    """Catalogue code, or another name that the catalogue knows."""
    measured_at: Annotated[QueryTime, Field(examples=["2026-03-25T00:05:00+07:00"])]
    """ISO 8601 with a zone."""


@router.get("/lineage", summary="Trace a reading to the bytes it came from")
def lineage(key: Annotated[ReadingKey, Query()], reader: CurrentReader, context: ApiContext) -> Lineage:
    """Show a reading's file and line, what each test said, its decision, versions, average, indices and
    receipts.
    """
    station, database = reader.station(key.station), context.database
    parameter = resolve_parameter(key.parameter, [station]) or key.parameter
    series = {"station": station.code, "parameter": parameter}
    row = find_reading(database, **series, measured_at=key.measured_at)
    if row is None:
        raise NotFound(f"{station.code} has no reading of {parameter} at {iso(key.measured_at)}.")
    measured_at = row["measured_at"]
    reading = present_reading(row, station)
    file = find_file(database, station=station.code, received_at=row["received_at"])
    content = _find_content(file, context)
    line = None if content is None else find_line(content, row["line"], station.encoding)
    averaged = Averaged.of_stamp(station, measured_at)
    average = find_average(database, **series, hour=averaged.hour_starts_at)
    indices = find_indices(database, **series, hour=averaged.hour_starts_at) if average else []
    zone = time_zone(station.timezone)
    receipts = select_receipts(database, station=station.code, file_id=file["file_id"]) if file else []
    if not reader.can_read_province(station.province):
        receipts = [receipt | {"signed": ""} for receipt in receipts]
    revisions = select_revisions(database, **series, measured_at=key.measured_at)
    decision = find_decision(context, station.code, parameter, measured_at)
    return Lineage(
        reading=Reading(**reading),
        file=File.from_row(file, has_content=context.has_raw_files) if file else None,
        raw=_locate_bytes(content, context),
        raw_bytes=None if content is None else len(content),
        line_text=line,
        unit_correction=find_unit_correction(station, parameter, measured_at, line),
        averaged=averaged,
        average=Average(**present_average(average, zone)) if average else None,
        indices=[Index(**present_index(row, zone)) for row in indices],
        receipts=[Receipt(**receipt) for receipt in receipts],
        tests=build_judgements(reading, station, context, reader.can_read),
        decision=Decision.from_registry(decision) if decision else None,
        revisions=[Superseded(**revision, flag_name=flag_name(revision["flag"])) for revision in revisions],
    )


def _find_content(file: Row | None, context: Context) -> bytes | None:
    if file is None or not context.has_raw_files:
        return None
    senders = (file["station"], file["account"])
    file_content = find_content(context.database, file["file_id"], senders=senders)
    return file_content[1] if file_content else None


def _locate_bytes(
    content: bytes | None, context: Context
) -> Literal["here", "at the province", "not stored yet"]:
    if not context.has_raw_files:
        return "at the province"
    return "not stored yet" if content is None else "here"
