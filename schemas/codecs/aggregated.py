"""``aggregated``: averages, indices and exceedances that changed."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from schemas.codecs.decoding import decode


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
    formula: int | None


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


_encoder = msgspec.json.Encoder()
_aggregated = msgspec.json.Decoder(AggregatedMessage)


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


def decode_aggregated(value: bytes) -> AggregatedMessage:
    """Read the averages and exceedances of an ``aggregated`` message; raises :data:`BadMessage`."""
    return decode(_aggregated, value)
