"""Open questions: whose files hold something the registry could not place, until it can.

A question is asked once for a station or an account, not for each of its files: the files themselves are
still in ``raw-file`` and ``raw-file-backlog``. It holds a digest of what the registry said; when that is no
longer what it says, the files since then are worth reading again.
"""

import hashlib
from datetime import datetime

from quantrac.domain.assignment import AMBIGUOUS_STATION, UNKNOWN_STATION
from quantrac.domain.parsing import Reason
from quantrac.domain.readings import ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.io.records import Record
from schemas.messages.open_questions import OpenQuestion
from schemas.messages.raw_file import RawFileHeaders

OPEN_REASONS = frozenset({UNKNOWN_STATION, AMBIGUOUS_STATION, Reason.UNKNOWN_PARAMETER.value})
"""Reasons of rejects that a change of the registry may answer."""


def subject(headers: RawFileHeaders) -> str:
    """Return whom a file's question is about: its station, or its account while it has none."""
    return f"station/{headers.station}" if headers.station else f"account/{headers.account}"


def is_open(reading_set: ReadingSet) -> bool:
    """Tell whether the registry left something of a file unplaced."""
    return any(reject.reason in OPEN_REASONS for reject in reading_set.rejects)


class Questions:
    """The open questions, as the topic ``open-question`` has them."""

    def __init__(self, registry: Registry, topic: str) -> None:
        self._registry, self._topic = registry, topic
        self._open: dict[str, OpenQuestion] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take over one record of the topic; raises ``ValueError`` where it is none."""
        if value is None:
            self._open.pop(key.decode(), None)
        else:
            self._open[key.decode()] = OpenQuestion.model_validate_json(value)

    def ask(self, about: str, partition: int, received_at: datetime) -> Record | None:
        """Return the record that opens a question, or ``None`` where it is open since before that file."""
        known = self._open.get(about)
        if known is not None and known.since <= received_at:
            return None
        # The digest of an open question stays: that the registry has changed since is what it has to tell.
        asked = known.asked if known else self.digest(about)
        question = OpenQuestion(partition=partition, since=received_at, asked=asked)
        self._open[about] = question
        return Record(self._topic, about.encode(), question.model_dump_json().encode())

    def close(self, about: str) -> Record:
        """Return the record that ends a question."""
        self._open.pop(about, None)
        return Record(self._topic, about.encode(), None)

    def changed(self) -> dict[str, OpenQuestion]:
        """Return the questions about which the registry now says something else."""
        return {about: q for about, q in list(self._open.items()) if q.asked != self.digest(about)}

    def digest(self, about: str) -> str:
        """Return a digest of everything in the registry that decides how these files are placed."""
        kind, _, name = about.partition("/")
        account = self._registry.accounts.get(name) if kind == "account" else None
        codes = account.stations if account else (name,)
        said = [_says(code, self._registry.stations.get(code)) for code in codes]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def _says(code: str, station: Station | None) -> str:
    if station is None:
        return code
    names = [(p.code, p.file_names, p.valid_from, p.valid_to) for p in station.parameters]
    matching = (station.aliases, station.file_patterns, station.valid_from, station.valid_to)
    return repr((code, matching, names))
