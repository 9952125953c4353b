"""Identities: every id is a function of content, so that twice equals once."""

import hashlib
from datetime import datetime


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


MOST_REVISIONS = 1023
"""What the low ten bits of a version hold."""


def reading_version(received_at: datetime, revision: int = 0) -> int:
    """Version of a reading row: later received wins, then the later re-judgement of the same file.

    Milliseconds since 1970 times 1024, plus the revision; a replay gives the same number again. Revisions
    past :data:`MOST_REVISIONS` share the last number, and of equal numbers the row written last counts.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 25, 12, tzinfo=UTC)
    >>> reading_version(noon, 1) - reading_version(noon), reading_version(noon, 5000) & 1023
    (1, 1023)
    """
    return int(received_at.timestamp() * 1000) << 10 | min(revision, MOST_REVISIONS)
