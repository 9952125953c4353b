"""``parsed-reading`` and ``qa-flagged``: sets of readings in columns.

In a message a column whose rows are all equal is written once, as the value itself; ``line``, ``value`` and
``text`` are always lists. In the domain every column has its full length.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from quantrac.domain.bounds import (
    FILE_NAME_LENGTH,
    MEASURED,
    NAME_LENGTH,
    RECEIVED,
    UINT16,
    UINT32,
    TimeRange,
)
from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.readings import (
    FlaggedReadings,
    FlaggedSet,
    Provisional,
    Readings,
    ReadingSet,
    Reject,
    outcomes_problem,
)
from quantrac.domain.sharing import share
from schemas.codecs.decoding import BadMessage, decode

_T = TypeVar("_T")
_Line = Annotated[int, msgspec.Meta(ge=1, le=UINT32)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]
_Unit = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH)]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Outcome = Annotated[int, msgspec.Meta(ge=1, le=9)]
_Index = Annotated[int, msgspec.Meta(ge=0)]


class _Columns(msgspec.Struct, gc=False):
    line: list[_Line]
    parameter: _Name | list[_Name]
    value: list[float]
    text: list[str]
    unit: _Unit | list[_Unit]
    measured_at: _Time | list[_Time]
    status: str | list[str]


class _Readings(_Columns, gc=False):
    qualifier: Qualifier | list[Qualifier] = NO_QUALIFIER


class _FlaggedReadings(_Columns, gc=False):
    flag: _Outcome | list[_Outcome]
    outcome: _Index | list[_Index]
    equal_since: _Time | list[_Time | None] | None
    qualifier: Qualifier | list[Qualifier] = NO_QUALIFIER


class _Set(msgspec.Struct, gc=False):
    station: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH)]
    file_id: str
    file_name: Annotated[str, msgspec.Meta(max_length=FILE_NAME_LENGTH)]
    account: str
    transport: str
    received_at: _Time
    format: str


class _ReadingSet(_Set, gc=False):
    readings: _Readings
    rejects: list[Reject]


class _FlaggedSet(_Set, gc=False):
    rules: str
    readings: _FlaggedReadings
    tests: list[str]
    outcomes: list[str]
    rejects: list[Reject]
    revision: Annotated[int, msgspec.Meta(ge=0, le=UINT16)] = 0
    cause: str = ""
    provisional: Provisional | None = None


_PARAMETER, _UNIT = map(_Columns.__struct_fields__.index, ("parameter", "unit"))
_FORMER_READINGS = "Expected `object`, got `array` - at `$.readings`"
"""What the decoder says of a set in which every reading was an object."""

_encoder = msgspec.json.Encoder()
_reading_set = msgspec.json.Decoder(_ReadingSet)
_flagged_set = msgspec.json.Decoder(_FlaggedSet)


def encode_reading_set(s: ReadingSet) -> bytes:
    """Write the value of a ``parsed-reading`` message: one line of JSON (UTF-8, times in UTC with ``Z``)."""
    readings = _Readings(*[*_write_columns(s.readings), _write_column(s.readings.qualifier)])
    return _encoder.encode(_ReadingSet(*_head(s), readings, s.rejects))


def encode_flagged_set(s: FlaggedSet) -> bytes:
    """Write the value of a ``qa-flagged`` message: one line of JSON (UTF-8, times in UTC with ``Z``)."""
    r = s.readings
    columns = map(_write_column, (r.flag, r.outcome, r.equal_since, r.qualifier))  # type: ignore[arg-type]
    readings = _FlaggedReadings(*[*_write_columns(r), *columns])
    judged = (r.tests, r.outcomes, s.rejects, s.revision, s.cause, s.provisional)
    return _encoder.encode(_FlaggedSet(*_head(s), s.rules, readings, *judged))


def decode_reading_set(value: bytes) -> ReadingSet:
    """Read the value of a ``parsed-reading`` message; raises :data:`BadMessage`."""
    s = _decode(_reading_set, value)
    readings = Readings(*_read_columns(s.readings))
    _check_bounds(s, readings)
    return ReadingSet(*_head(s), readings, s.rejects)


def decode_flagged_set(value: bytes) -> FlaggedSet:
    """Read the value of a ``qa-flagged`` message; raises :data:`BadMessage`."""
    s = _decode(_flagged_set, value)
    *columns, flag, outcome, equal_since, qualifier = _read_columns(s.readings)
    readings = FlaggedReadings(*[*columns, qualifier, flag, outcome, equal_since, s.tests, s.outcomes])
    _check_bounds(s, readings)
    if s.provisional is not None:
        _check_span(s.provisional)
    if problem := outcomes_problem(readings.outcome, s.tests, s.outcomes):
        raise msgspec.ValidationError(problem)
    return FlaggedSet(*_head(s), s.rules, readings, s.rejects, s.revision, s.cause, s.provisional)


def _head(s: ReadingSet | FlaggedSet | _Set) -> tuple[str, str, str, str, str, datetime, str]:
    """Return what both kinds of set begin with."""
    return s.station, s.file_id, s.file_name, s.account, s.transport, s.received_at, s.format


def _write_columns(r: Readings) -> tuple[Any, ...]:
    """Return the columns that both kinds of readings begin with, as they are written."""
    return (
        r.line,
        _write_column(r.parameter),
        r.value,
        r.text,
        _write_column(r.unit),
        _write_column(r.measured_at),
        _write_column(r.status),
    )


def _write_column(column: list[Any]) -> Any:
    """Return the value that all rows have, or the column."""
    is_constant = len(column) > 0 and column[0] == column[-1] and column.count(column[0]) == len(column)
    return column[0] if is_constant else column


def _read_columns(readings: _Columns) -> list[list[Any]]:
    """Return every column in its full length; raises :data:`BadMessage` where lengths differ."""
    rows = len(readings.line)
    columns = [
        column if type(column) is list else [column] * rows for column in msgspec.structs.astuple(readings)
    ]
    if any(len(column) != rows for column in columns):
        for name, column in zip(readings.__struct_fields__, columns, strict=True):
            if len(column) != rows:
                raise msgspec.ValidationError(f"readings.{name}: {len(column)} rows, where line has {rows}")
    columns[_PARAMETER], columns[_UNIT] = share(columns[_PARAMETER]), share(columns[_UNIT])
    return columns


def _decode(decoder: msgspec.json.Decoder[_T], value: bytes) -> _T:
    try:
        return decode(decoder, value)
    except BadMessage as error:
        if str(error) == _FORMER_READINGS:
            raise msgspec.ValidationError(
                "readings: a list of objects, as versions before the columns wrote it"
            ) from error
        raise


def _check_bounds(s: _ReadingSet | _FlaggedSet, readings: Readings) -> None:
    """Raise :data:`BadMessage` for a time or a line number that the tables cannot hold."""
    _check(RECEIVED, s.received_at, "received_at")
    measured_at = None
    for time in readings.measured_at:
        if time is not measured_at:  # nearly always one time a file
            measured_at = time
            _check(MEASURED, time, "readings.measured_at")
    for reject in s.rejects:
        if not 0 <= reject.line <= UINT32:
            raise msgspec.ValidationError(f"rejects.line: {reject.line} is none of 0 to {UINT32}")


def _check_span(span: Provisional) -> None:
    if not span.start < span.end:
        raise msgspec.ValidationError("provisional: start does not lie before end")
    if not span.causes:
        raise msgspec.ValidationError("provisional.causes: there is none")


def _check(times: TimeRange, time: datetime, name: str) -> None:
    if problem := times.problem(time):
        raise msgspec.ValidationError(f"{name}: {time.isoformat()} {problem}")
