"""Identities: every id is a function of content, so that twice equals once."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from quantrac.domain.times import to_milliseconds

if TYPE_CHECKING:  # numpy takes longer to import than `quantrac parse` takes altogether
    import numpy as np
    from numpy.typing import NDArray

_Versions = TypeVar("_Versions", int, "NDArray[np.int64]")


def file_id(content: bytes) -> str:
    """Identify a file by the SHA-256 of its exact bytes (64 lower-case hex digits).

    >>> file_id(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(content).hexdigest()


def traceparent(file: str) -> str:
    """Derive the W3C trace context of a file from its id, so that a resend continues the same trace.

    >>> traceparent("0123456789abcdef" * 4)
    '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'
    """
    return f"00-{file[:32]}-{file[32:48]}-01"


_REVISION_BITS = 10
MOST_REVISIONS = (1 << _REVISION_BITS) - 1
"""1023: what the low ten bits of a version hold."""


def reading_version(received_at: datetime, revision: int = 0) -> int:
    """Version of a reading row: later received wins, then the later re-judgement of the same file.

    Milliseconds since 1970 times 1024, plus the revision; a replay gives the same number again. Revisions
    past :data:`MOST_REVISIONS` share the last number, and of equal numbers the row written last counts.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 25, 12, tzinfo=UTC)
    >>> reading_version(noon, 1) - reading_version(noon), reading_version(noon, 5000) & 1023
    (1, 1023)
    """
    return to_milliseconds(received_at) << _REVISION_BITS | min(revision, MOST_REVISIONS)


def received_of(version: _Versions) -> _Versions:
    """Return when the file of a version was received: milliseconds since 1970 UTC.

    One version or an array of them; versions of one station with the same time are of one file.

    >>> received_of(1774414800001 * 1024 + 3)
    1774414800001
    """
    return version >> _REVISION_BITS


def revision_of(version: _Versions) -> _Versions:
    """Return the revision of a version, or of each of an array: 0 where the file was judged as it came.

    >>> revision_of(1774414800001 * 1024 + 3)
    3
    """
    return version & MOST_REVISIONS


def received_sql(column: str) -> str:
    """Write :func:`received_of` of a column (UInt64) as ClickHouse's SQL.

    >>> received_sql("version")
    'bitShiftRight(version, 10)'
    """
    return f"bitShiftRight({column}, {_REVISION_BITS})"


def revision_sql(column: str) -> str:
    """Write :func:`revision_of` of a column (UInt64) as ClickHouse's SQL.

    >>> revision_sql("version")
    'bitAnd(version, 1023)'
    """
    return f"bitAnd({column}, {MOST_REVISIONS})"
