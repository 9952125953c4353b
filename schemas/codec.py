"""The hot path's way in and out of JSON: msgspec, straight into the domain's dataclasses.

pydantic (``schemas.messages``) states the contract; a set of 15 readings costs it 16 µs to read and 7 µs to
write, msgspec about a quarter. ``tests/contract/test_messages.py`` holds both against the same examples.
"""

from collections.abc import Sequence
from datetime import datetime
from math import nan
from typing import Annotated, TypeVar

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
from quantrac.domain.qa.baseline.blocks import BOUNDS, block_of
from quantrac.domain.readings import FlaggedSet, Provisional, ReadingSet
from quantrac.domain.times import to_seconds


class RememberedReading(msgspec.Struct):
    """What the validator's memory needs of a flagged reading."""

    parameter: str
    value: float
    measured_at: datetime
    status: str
    equal_since: datetime | None


class RememberedSet(msgspec.Struct):
    """What the validator's memory needs of a flagged set."""

    station: str
    received_at: datetime
    readings: list[RememberedReading] = []
    revision: int = 0


class StoredReading(msgspec.Struct, gc=False):
    """What the store needs of a flagged reading: :class:`quantrac.domain.readings.FlaggedReading`."""

    line: Annotated[int, msgspec.Meta(ge=1, le=UINT32)]
    parameter: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]
    value: float
    text: str
    unit: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH)]
    measured_at: Annotated[datetime, msgspec.Meta(tz=True)]
    status: str
    flag: Annotated[int, msgspec.Meta(ge=1, le=9)]
    tests: msgspec.Raw
    """A JSON object; some dozens of different ones make up nearly all readings."""


class StoredReject(msgspec.Struct, gc=False):
    """What the store needs of a reject: :class:`quantrac.domain.readings.Reject`."""

    line: Annotated[int, msgspec.Meta(ge=0, le=UINT32)]
    text: str
    reason: str
    detail: str = ""


class StoredSet(msgspec.Struct):
    """What the store needs of a flagged set: :class:`quantrac.domain.readings.FlaggedSet`."""

    station: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH)]
    file_id: str
    file_name: Annotated[str, msgspec.Meta(max_length=FILE_NAME_LENGTH)]
    account: str
    transport: str
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    format: str
    rules: str
    readings: list[StoredReading] = []
    rejects: list[StoredReject] = []
    revision: Annotated[int, msgspec.Meta(ge=0, le=UINT16)] = 0
    cause: str = ""
    provisional: Provisional | None = None


class _Limits(msgspec.Struct):
    own_low: float | None
    own_high: float | None
    own_step: float | None
    recent_low: float | None
    recent_high: float | None


class _BaselineBlock(msgspec.Struct):
    start: datetime
    parameters: dict[str, _Limits]


class _Baseline(msgspec.Struct):
    station: str
    blocks: list[_BaselineBlock]


class AverageMessage(msgspec.Struct, gc=False):
    """An average as ``aggregated`` has it: :class:`schemas.messages.aggregates.Average`."""

    parameter: str
    unit: str
    period: str
    starts_at: datetime
    ends_at: datetime
    mean: float | None
    minimum: float | None
    maximum: float | None
    count: int
    received: int
    expected: int
    completeness: float
    version: int
    total: float | None
    sd: float | None
    complete: bool


class IndexMessage(msgspec.Struct):
    """An index as ``aggregated`` has it: :class:`schemas.messages.aggregates.Index`."""

    kind: str
    period: str
    starts_at: datetime
    ends_at: datetime
    value: int | None
    level: str
    responsible: list[str]
    subindices: dict[str, float]
    version: int


class ExceedanceMessage(msgspec.Struct):
    """An exceedance as ``aggregated`` has it: :class:`schemas.messages.aggregates.Exceedance`."""

    parameter: str
    period: str
    standard: str
    column: str
    minimum: float | None
    maximum: float | None
    unit: str
    starts_at: datetime
    ends_at: datetime
    periods: int
    peak: float
    peak_at: datetime
    ratio: float
    open: bool
    version: int


class AggregatedMessage(msgspec.Struct):
    """What a reader of ``aggregated`` needs of :class:`schemas.messages.aggregates.Aggregated`."""

    station: str
    computed_at: datetime
    averages: list[AverageMessage]
    exceedances: list[ExceedanceMessage] = []


_M = TypeVar("_M")

_encoder = msgspec.json.Encoder()
_reading_set = msgspec.json.Decoder(ReadingSet)
_flagged_set = msgspec.json.Decoder(FlaggedSet)
_stored_set = msgspec.json.Decoder(StoredSet)
_remembered = msgspec.json.Decoder(RememberedSet)
_baseline = msgspec.json.Decoder(_Baseline)
_aggregated = msgspec.json.Decoder(AggregatedMessage)

BadMessage = msgspec.MsgspecError
"""Raised by the decoders: the bytes are not the message they should be; its text says what and where."""


def encode(message: ReadingSet | FlaggedSet) -> bytes:
    """Write a set as one line of JSON (UTF-8, times in UTC with ``Z``)."""
    return _encoder.encode(message)


def encode_aggregated(
    station: str,
    computed_at: datetime,
    averages: Sequence[AverageMessage],
    indices: Sequence[IndexMessage] = (),
    exceedances: Sequence[ExceedanceMessage] = (),
) -> bytes:
    """Write the value of an ``aggregated`` message."""
    message = {"station": station, "computed_at": computed_at, "averages": averages}
    optional = {"indices": indices, "exceedances": exceedances}
    return _encoder.encode(message | {name: items for name, items in optional.items() if items})


def decode_reading_set(value: bytes) -> ReadingSet:
    """Read the value of a ``parsed-reading`` message; raises :data:`BadMessage`."""
    return _decode(_reading_set, value)


def decode_flagged_set(value: bytes) -> FlaggedSet:
    """Read the value of a ``qa-flagged`` message; raises :data:`BadMessage`."""
    return _decode(_flagged_set, value)


def decode_stored_set(value: bytes) -> StoredSet:
    """Read the value of a ``qa-flagged`` message in a third of the time; raises :data:`BadMessage`.

    Times and numbers are those that the tables can hold. What ``tests`` holds is not looked into.
    """
    stored = _decode(_stored_set, value)
    _check(RECEIVED, stored.received_at, "received_at")
    measured_at = None
    for reading in stored.readings:
        if reading.measured_at != measured_at:  # nearly always one time a file
            measured_at = reading.measured_at
            _check(MEASURED, measured_at, "measured_at")
    return stored


def _decode(decoder: msgspec.json.Decoder[_M], value: bytes) -> _M:
    try:
        return decoder.decode(value)
    except (
        UnicodeDecodeError,
        RecursionError,
    ) as error:  # errors of the decoder's that are not its own
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error


def _check(times: TimeRange, time: datetime, name: str) -> None:
    if problem := times.problem(time):
        raise msgspec.ValidationError(f"{name}: {time.isoformat()} {problem}")


def decode_remembered(value: bytes) -> RememberedSet:
    """Read of a ``qa-flagged`` message what a memory needs, twice as fast; raises :data:`BadMessage`."""
    return _decode(_remembered, value)


def decode_aggregated(value: bytes) -> AggregatedMessage:
    """Read the averages and exceedances of an ``aggregated`` message; raises :data:`BadMessage`."""
    return _decode(_aggregated, value)


def decode_baseline(value: bytes) -> tuple[str, dict[int, dict[str, list[float]]]]:
    """Read a ``baseline`` message's value as :meth:`quantrac.domain.qa.baseline.lookup.Baselines.put` takes
    it.

    Raises :data:`BadMessage`.
    """
    message = _decode(_baseline, value)
    blocks = {
        block_of(to_seconds(block.start)): {
            parameter: [nan if (limit := getattr(limits, name)) is None else limit for name in BOUNDS]
            for parameter, limits in block.parameters.items()
        }
        for block in message.blocks
    }
    return message.station, blocks
