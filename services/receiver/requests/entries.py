"""Reads what provinces post: the entries of a body, and the station that each states. Pure."""

import re
from collections.abc import Sequence

import msgspec
from pydantic import ValidationError

from quantrac.domain.registry_problems import problems_of
from schemas.limits import load_national
from schemas.messages.base import STATION_PATTERN
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import MOST_ENTRIES
from schemas.validation_errors import first_problem

LARGEST_ENTRY_BYTES = 256 << 10
"""Of one entry; a station of 40 parameters with ten years of maintenance has some 100 kB."""

_LONGEST_REASON = 300


class BadPost(ValueError):
    """The body is no list of entries."""


class TooManyEntries(ValueError):
    """The post has more than ``MOST_ENTRIES`` entries."""


class _Post(msgspec.Struct):
    """A body: ``{"entries": [...]}``; fields that a later release adds are let through."""

    entries: list[msgspec.Raw]


class _Coded(msgspec.Struct):
    """As much of an entry as names its station."""

    code: str


_post, _coded = msgspec.json.Decoder(_Post), msgspec.json.Decoder(_Coded)
_CODE = re.compile(STATION_PATTERN)


def read_entries(body: bytes) -> Sequence[bytes]:
    """Return the entries of a post (uncompressed body), each as its bytes.

    Raises :class:`BadPost` or :class:`TooManyEntries`.
    """
    try:
        entries = _post.decode(body).entries
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPost(
            f"the body is no JSON object with a list `entries`: {error}"[:_LONGEST_REASON]
        ) from error
    if len(entries) > MOST_ENTRIES:
        raise TooManyEntries(f"a post may hold {MOST_ENTRIES} entries, this one has {len(entries)}")
    return [bytes(entry) for entry in entries]


def read_code(entry: bytes) -> str:
    """Return the code that an entry states, whatever else is wrong with it; empty where it states none."""
    try:
        code = _coded.decode(entry).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return code if _CODE.match(code) else ""


def read_station(entry: bytes) -> Station:
    """Return the station that an entry states; raises ``ValueError`` with one sentence."""
    if len(entry) > LARGEST_ENTRY_BYTES:
        raise ValueError(f"the entry has {len(entry)} bytes, more than {LARGEST_ENTRY_BYTES}")
    try:
        record = Station.model_validate_json(entry)
    except ValidationError as error:
        raise ValueError(first_problem(error, Station)[:_LONGEST_REASON]) from error
    station = record.to_domain()
    problems = [*problems_of(station), *(load_national().problems_of(station) if station.permits else ())]
    if problems:
        raise ValueError(str(problems[0])[:_LONGEST_REASON])
    return record
