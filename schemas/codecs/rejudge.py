"""``rejudge``: a request for a span that the validator called provisional."""

from datetime import datetime

import msgspec

from quantrac.domain.readings import Provisional, ProvisionalCause


class _Request(msgspec.Struct):
    station: str
    start: datetime
    end: datetime
    causes: list[ProvisionalCause]
    registry_offset: int | None = None


_encoder = msgspec.json.Encoder()


def encode_rejudge(station: str, span: Provisional) -> bytes:
    """Write the value of a ``rejudge`` message for a span that was checked with its set."""
    return _encoder.encode(_Request(station, span.start, span.end, span.causes))
