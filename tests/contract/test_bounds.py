"""What the contracts and the parser let through is what the tables can hold, by the tables' own types."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel, ValidationError

from quantrac.domain import bounds
from quantrac.domain.averaging import month_starts
from quantrac.domain.bounds import DATETIME, DATETIME64, MEASURED, RECEIVED, TimeRange
from quantrac.domain.ids import MOST_REVISIONS, reading_version
from quantrac.domain.parsing import Reason, parse_file
from quantrac.domain.periods import Period
from quantrac.testing.builders import NOON, station, station_file
from schemas.clickhouse.reference import ALWAYS
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from schemas.examples import example
from schemas.messages.aggregates import WindowDirty
from schemas.messages.alerts import Alert
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.readings import FlaggedSet
from services.aggregator.sink.registry_tables import NEVER
from support.extremes import (
    ALERT,
    DELIVERY,
    RAW,
    RECEIPT,
    REJECTED,
    SET,
    Case,
    cases,
    column_types,
    replaced,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

MADE_HERE = {
    ("files", "readings"): "counted",
    ("files", "rejects"): "counted",
    ("files", "rejected_lines"): "of rejects.line",
    ("readings", "tests"): "any JSON object, as text",
    ("readings", "version"): "of received_at and revision",
    ("readings", "imported"): "of transport",
    ("readings", "received_at"): "of version",
    ("raw_files", "content"): "any bytes",
    ("alerts", "facts"): "texts of texts",
    ("receipts", "waiting"): "true or false",
    ("rejected_sets", "rejected_at"): "confirmed_at",
    **{("deliveries", name): "of files" for name in ("sets", "waiting", "rejected", "readings", "contents")},
}
"""Column -> what it is made of, where no field of a message is stored in it as it is."""


def test_every_column_that_a_message_fills_has_a_field_with_bounds() -> None:
    messages = (SET, RAW, DELIVERY, RECEIPT, REJECTED, ALERT)
    filled = {column for fields in messages for column in fields.values()}
    derived = {("files", "station"), ("files", "name"), ("readings", "rules")}
    derived |= {("rejects", name) for name in ("station", "received_at", "file_id")}
    tables = {"files", "readings", "rejects", "raw_files", "receipts", "alerts"}
    tables |= {"deliveries", "rejected_sets"}
    columns = {column for column in column_types() if column[0] in tables}
    assert columns == filled - {("reading_revisions", "cause")} | derived | set(MADE_HERE)


def ends(column_type: str) -> tuple[datetime, datetime]:
    """Return the first and the last time that a column can state."""
    if column_type.startswith("DateTime64(3"):  # 1900 to 2299 by the documentation; no version before 1970
        return EPOCH, datetime(2300, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
    assert column_type.startswith("DateTime(")
    return EPOCH, EPOCH + (2**32 - 1) * SECOND


@pytest.mark.parametrize(
    ("times", "column"),
    [
        (DATETIME, ("readings", "measured_at")),
        (DATETIME, ("averages", "ends_at")),
        (DATETIME, ("alerts", "opened_at")),
        (DATETIME64, ("receipts", "confirmed_at")),
        (DATETIME64, ("deliveries", "confirmed_at")),
        (DATETIME64, ("files", "received_at")),
    ],
    ids=str,
)
def test_the_times_of_the_description_are_those_of_the_columns(
    times: TimeRange, column: tuple[str, str]
) -> None:
    assert (times.first, times.last) == ends(column_types()[column])


@pytest.mark.parametrize(
    ("greatest", "columns"),
    [
        (bounds.UINT16, [("receipts", "revision")]),
        (bounds.UINT32, [("readings", "line"), ("rejects", "line"), ("receipts", "readings")]),
        (bounds.UINT32, [("deliveries", "bytes"), ("deliveries", "tries"), ("rejected_sets", "line")]),
        (bounds.UINT32, [("alerts", "version"), ("averages", "version"), ("averages", "received")]),
        (bounds.UINT64, [("readings", "version"), ("reading_revisions", "superseded_by")]),
    ],
    ids=str,
)
def test_the_integers_of_the_description_are_those_of_the_columns(
    greatest: int, columns: list[tuple[str, str]]
) -> None:
    assert {column_types()[column] for column in columns} == {f"UInt{greatest.bit_length()}"}


def test_every_version_of_a_reading_fits_its_column() -> None:
    versions = [reading_version(at, n) for at in (RECEIVED.first, RECEIVED.last) for n in (0, MOST_REVISIONS)]
    assert versions[0] == 0
    assert max(versions) < bounds.UINT64


def test_every_average_that_a_reading_enters_begins_and_ends_within_a_datetime() -> None:
    first, last = DATETIME.first, DATETIME.last
    assert set(Period) == {"hour", "8h", "day", "month", "year"}  # the year holds all but 8 hours around it
    for at in (MEASURED.first, MEASURED.last):
        year = month_starts((at + timedelta(hours=7)).year)
        assert first <= year[0] <= at < year[-1] <= last
        assert first <= at - timedelta(hours=8)
        assert at + timedelta(hours=8) <= last
    assert month_starts((MEASURED.last + timedelta(hours=7, seconds=1)).year)[-1] > last


def test_the_registrys_tables_take_the_same_times() -> None:
    assert (DATETIME.first, DATETIME.last) == (ALWAYS, NEVER)


def objection(model: type[BaseModel], message: bytes) -> str:
    try:
        model.model_validate_json(message, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return ""


@pytest.mark.parametrize("case", list(cases(json.loads(example("qa-flagged.json")), SET)), ids=str)
def test_the_store_takes_every_set_that_the_door_takes_and_none_that_it_cannot_hold(case: Case) -> None:
    try:
        stored = decode_flagged_set(case.message)
    except BadMessage as error:
        assert objection(FlaggedSet, case.message), f"the store alone refuses it: {error}"
        assert str(error)
        return
    assert stored.revision <= bounds.UINT16
    assert not RECEIVED.problem(stored.received_at)
    assert set(map(MEASURED.problem, stored.readings.measured_at)) == {""}
    assert max(*stored.readings.line, *(reject.line for reject in stored.rejects)) <= bounds.UINT32


@pytest.mark.parametrize(
    ("model", "name", "field", "literal"),
    [
        (FlaggedSet, "qa-flagged.json", "readings.line.0", str(2**40)),
        (FlaggedSet, "qa-flagged.json", "rejects.0.line", str(2**40)),
        (FlaggedSet, "qa-flagged.json", "received_at", '"1969-12-31T23:59:59.999Z"'),
        (FlaggedSet, "qa-flagged.json", "received_at", '"9999-12-31T23:59:59Z"'),
        (FlaggedSet, "qa-flagged.json", "readings.measured_at", '"2106-02-07T06:28:16Z"'),
        (FlaggedSet, "qa-flagged.json", "readings.measured_at", '"0001-01-01T00:00:00Z"'),
        (FlaggedSet, "qa-flagged.json", "readings.measured_at", '"2026-03-25T12:00:00+07:00"'),
        (FlaggedSet, "qa-flagged.json", "revision", "65536"),
        (DeliveryReceipt, "delivery-receipt.json", "files.0.readings", str(2**32)),
        (DeliveryReceipt, "delivery-receipt.json", "files.0.revision", str(2**16)),
        (DeliveryReceipt, "delivery-receipt.json", "files.0.received_at", '"2300-01-01T00:00:00Z"'),
        (DeliveryReceipt, "delivery-receipt.json", "bytes", str(2**32)),
        (DeliveryReceipt, "delivery-receipt.json", "confirmed_at", '"9999-12-31T23:59:59Z"'),
        (Alert, "alert.json", "opened_at", '"2106-02-07T06:28:16Z"'),
        (Alert, "alert.json", "changed_at", '"0001-01-01T00:00:00Z"'),
        (Alert, "alert.json", "version", str(2**32)),
        (WindowDirty, "window-dirty.json", "windows.0.hours.0", '"1989-12-31T23:00:00Z"'),
        (WindowDirty, "window-dirty.json", "windows.0.parameters.0", f'"{"x" * 65}"'),
    ],
)
def test_the_contract_refuses_what_no_column_can_hold_and_names_the_field(
    model: type[BaseModel], name: str, field: str, literal: str
) -> None:
    message = json.loads(example(name))
    assert objection(model, example(name)) == ""
    assert objection(model, replaced(message, field, literal)).startswith(field)


def test_headers_of_a_raw_file_have_a_time_of_receipt_that_its_table_can_hold() -> None:
    headers = RawFileHeaders(
        file_id="f" * 64, name="a", path="", account="a", transport="ftp", received_at=NOON, traceparent="t"
    ).to_headers()
    for wrong in (b"1969-12-31T23:59:59Z", b"9999-12-31T23:59:59Z", b"2026-03-25T05:00:00.0001Z"):
        with pytest.raises(ValidationError, match="received_at"):
            RawFileHeaders.from_headers({**headers, "received_at": wrong})


@pytest.mark.parametrize("received_at", [NOON, RECEIVED.last, MEASURED.last], ids=str)
@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("end", [MEASURED.first, MEASURED.last, DATETIME.first, DATETIME.last], ids=str)
def test_the_stations_door_believes_only_times_that_the_store_keeps(
    received_at: datetime, end: datetime, seconds: int
) -> None:
    at = end + seconds * SECOND
    parsed = parse_file(station_file(at=at), "1.txt", station(), received_at)
    kept = not MEASURED.problem(at) and at <= received_at + bounds.MEASURED_AHEAD
    assert [reading.measured_at for reading in parsed.readings] == [at] * kept
    assert [reject.reason for reject in parsed.rejects] == [Reason.TIME_OUT_OF_RANGE] * (not kept)
