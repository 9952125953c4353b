"""Judges the lines of a delivery: which sets an account may deliver, why others are rejected. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from quantrac.domain.bounds import MEASURED_AHEAD
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.registry.accounts import Account
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.deliveries import MOST_SETS
from schemas.messages.readings import FlaggedSet as FlaggedSetContract
from schemas.topics import LARGEST_MESSAGE_BYTES
from services.receiver.requests.rights import check_rights
from services.receiver.requests.table import RequestTable

# A reason may name what the line holds; 2,000 of them must fit a receipt.
_LONGEST_REASON = 300


class TooManySets(ValueError):
    """The delivery has more than ``MOST_SETS`` lines."""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """One line of a delivery."""

    line: int
    """Counted from 1."""
    content: bytes
    """The line as it came."""
    flagged: FlaggedSet | None
    """``None`` where the line could not be read."""
    reason: str = ""
    """Why it is rejected: one sentence; empty = it is accepted."""
    is_waiting: bool = False
    """Whether it is accepted and kept until its station is approved."""


def judge_lines(body: bytes, account: Account, requests: RequestTable, latest: datetime) -> list[JudgedSet]:
    """Judge the lines of a delivery's body by what the registry and the requests for it say now.

    ``latest`` is the latest time of receipt that is believed. Raises :class:`TooManySets`.
    """
    return [_judge(line, content, account, requests, latest) for line, content in _number_lines(body)]


def select_accepted(judged: Sequence[JudgedSet]) -> list[tuple[JudgedSet, FlaggedSet]]:
    """Return the sets that are accepted, those that wait among them, in the order of their lines."""
    return [(s, s.flagged) for s in judged if s.flagged is not None and not s.reason]


def _number_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    lines = body.removesuffix(b"\n").split(b"\n", MOST_SETS)
    if len(lines) > MOST_SETS:
        raise TooManySets(f"a delivery may hold {MOST_SETS} sets")
    return enumerate(lines, start=1)


def _judge(
    line: int, content: bytes, account: Account, requests: RequestTable, latest: datetime
) -> JudgedSet:
    flagged = None
    try:
        flagged = _decode(content)
        _check_rights(flagged, account, requests)
        _check_receipt(flagged, latest)
    except ValueError as error:
        return JudgedSet(line, content, flagged, str(error)[:_LONGEST_REASON])
    return JudgedSet(line, content, flagged, is_waiting=requests.keeps_sets(flagged.station))


def _decode(line: bytes) -> FlaggedSet:
    """Decode a set as every reader downstream will, and check it against the whole contract.

    Fields that a newer province adds are let through. Raises ``ValueError`` with one sentence.
    """
    if len(line) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"not a flagged set: {len(line)} bytes, more than {LARGEST_MESSAGE_BYTES}")
    try:
        flagged = decode_flagged_set(line)
        FlaggedSetContract.model_validate_json(line, extra="ignore")
    except BadMessage as error:
        raise ValueError(f"not a flagged set: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"not a flagged set: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return flagged


def _check_rights(flagged: FlaggedSet, account: Account, requests: RequestTable) -> None:
    """Raise ``ValueError`` where an account may not deliver a set, by what the registry says now."""
    if not flagged.station:
        raise ValueError("the set has no station")
    province = requests.province_of(flagged.station)
    if province is None:
        raise ValueError(f"station {flagged.station} is not in the ministry's registry")
    check_rights(flagged.station, province, account)


def _check_receipt(flagged: FlaggedSet, latest: datetime) -> None:
    """Raise ``ValueError`` for a time of receipt after ``latest``, or one before the readings were made.

    The file received later wins: with a time of the future nothing true could replace a reading. A logger's
    clock may be as far ahead as the parser takes it to be a clock.
    """
    if flagged.received_at > latest:
        raise ValueError(f"received_at: {flagged.received_at.isoformat()} lies after the ministry's clock")
    newest = max(flagged.readings.measured_at, default=flagged.received_at)
    if newest > flagged.received_at + MEASURED_AHEAD:
        raise ValueError(
            f"received_at: {flagged.received_at.isoformat()} lies over {MEASURED_AHEAD.days} days before"
            f" a reading of {newest.isoformat()}"
        )
