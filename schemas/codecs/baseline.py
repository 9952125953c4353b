"""``baseline``: what is usual for a series, by its own past."""

from datetime import datetime
from math import nan

import msgspec

from quantrac.domain.qa.baseline.blocks import BOUNDS, block_of
from quantrac.domain.times import to_seconds
from schemas.codecs.decoding import decode


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


_baseline = msgspec.json.Decoder(_Baseline)


def decode_baseline(value: bytes) -> tuple[str, dict[int, dict[str, list[float]]]]:
    """Read a ``baseline`` message's value as :meth:`quantrac.domain.qa.baseline.lookup.Baselines.put` takes
    it.

    Raises :data:`BadMessage`.
    """
    message = decode(_baseline, value)
    blocks = {
        block_of(to_seconds(block.start)): {
            parameter: [nan if (limit := getattr(limits, name)) is None else limit for name in BOUNDS]
            for parameter, limits in block.parameters.items()
        }
        for block in message.blocks
    }
    return message.station, blocks
