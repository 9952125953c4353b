"""The way of ``window-dirty`` in and out of JSON: msgspec, what is common to many hours said once.

pydantic (:class:`schemas.messages.aggregates.WindowDirty`) states the contract;
``tests/contract/test_messages.py`` holds both against the same example.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from typing import Annotated

import msgspec

from quantrac.domain.bounds import MEASURED, NAME_LENGTH
from quantrac.domain.times import from_seconds, hour_start, to_whole_seconds
from schemas.codecs.decoding import decode
from schemas.messages.base import STATION_PATTERN

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Parameter = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]
_Station = Annotated[str, msgspec.Meta(pattern=STATION_PATTERN)]


class _Windows(msgspec.Struct, forbid_unknown_fields=True):
    parameters: Annotated[list[_Parameter], msgspec.Meta(min_length=1)]
    hours: Annotated[list[_Time], msgspec.Meta(min_length=1)]


class _WindowDirty(msgspec.Struct, forbid_unknown_fields=True):
    station: _Station
    windows: Annotated[list[_Windows], msgspec.Meta(min_length=1)]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_WindowDirty)


def encode_window_dirty(station: str, windows: Iterable[tuple[str, datetime]]) -> bytes:
    """Write the value of a ``window-dirty`` message from (parameter, start of hour) pairs, at least one."""
    return encode_dirty_hours(station, ((parameter, to_whole_seconds(hour)) for parameter, hour in windows))


def encode_dirty_hours(station: str, windows: Iterable[tuple[str, int]]) -> bytes:
    """Write the same from starts of hours in seconds since 1970, as :func:`decode_window_dirty` reads it."""
    parameters: dict[int, set[str]] = defaultdict(set)
    for parameter, hour in windows:
        parameters[hour].add(parameter)
    return encode_parameters(station, parameters)


def encode_parameters(station: str, parameters: Mapping[int, Set[str]]) -> bytes:
    """Write the same from the parameters by start of hour, in seconds since 1970."""
    # Most hours have the same parameters as others.
    hours: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for hour in sorted(parameters):
        hours[tuple(sorted(parameters[hour]))].append(from_seconds(hour))
    return _encoder.encode(_WindowDirty(station, [_Windows(list(names), at) for names, at in hours.items()]))


def decode_window_dirty(value: bytes) -> tuple[str, set[tuple[str, int]]]:
    """Read a ``window-dirty`` message: station, and (parameter, start of hour in seconds since 1970) pairs.

    Raises :data:`schemas.codecs.decoding.BadMessage` where the contract is broken, naming the field.
    """
    message = decode(_decoder, value)
    pairs: set[tuple[str, int]] = set()
    for windows in message.windows:
        for hour in windows.hours:
            if problem := MEASURED.problem(hour):
                raise msgspec.ValidationError(f"hours: {hour.isoformat()} {problem}")
            start = to_whole_seconds(hour_start(hour))
            pairs.update((parameter, start) for parameter in windows.parameters)
    return message.station, pairs
