"""Open questions: stations and accounts whose files hold something that the registry could not place.

There is one question for a station or an account, not one for each of its files: the files themselves are
still in ``raw-file`` and ``raw-file-backlog``. It holds a digest of the registry's entries when it was
opened; once the digest of today's entries is another one, the files since then are worth reading again.
"""

import hashlib
from datetime import datetime

from quantrac.domain.assignment import AMBIGUOUS_STATION, UNKNOWN_STATION
from quantrac.domain.parsing import Reason
from quantrac.domain.readings import ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.io.records import Record
from schemas.codecs.raw_file import RawFileHead
from schemas.messages.open_questions import OpenQuestion

OPEN_REASONS = frozenset(
    {
        *(UNKNOWN_STATION, AMBIGUOUS_STATION),
        *(Reason.UNKNOWN_PARAMETER.value, Reason.AMBIGUOUS_NUMBER.value),
    }
)
"""Reasons of rejects that a change of the registry may answer."""


def subject_of(headers: RawFileHead) -> str:
    """Return the subject of a file's question: its station, or its account while it has none."""
    return f"station/{headers.station}" if headers.station else f"account/{headers.account}"


def is_open(reading_set: ReadingSet) -> bool:
    """Tell whether the registry left something of a file unplaced."""
    return any(reject.reason in OPEN_REASONS for reject in reading_set.rejects)


class OpenQuestions:
    """The open questions, as the topic ``open-question`` has them."""

    def __init__(self, registry: Registry, topic: str) -> None:
        self._registry, self._topic = registry, topic
        self._questions: dict[str, OpenQuestion] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Apply one record of the topic; raises ``ValueError`` for one that is no question."""
        if value is None:
            self._questions.pop(key.decode(), None)
        else:
            self._questions[key.decode()] = OpenQuestion.model_validate_json(value)

    def open(self, subject: str, partition: int, received_at: datetime) -> Record | None:
        """Return the record that opens a question, or ``None`` where it was open before that file came."""
        question = self._questions.get(subject)
        if question is not None and question.since <= received_at:
            return None
        # The digest of an open question stays: it shows that the registry has changed since.
        digest = question.digest if question else self.digest(subject)
        question = OpenQuestion(partition=partition, since=received_at, digest=digest)
        self._questions[subject] = question
        return Record(self._topic, subject.encode(), question.model_dump_json().encode())

    def close(self, subject: str) -> Record:
        """Return the record that ends a question."""
        self._questions.pop(subject, None)
        return Record(self._topic, subject.encode(), None)

    def list_answerable(self) -> dict[str, OpenQuestion]:
        """Return the questions by subject whose entries in the registry have changed."""
        return {
            subject: q for subject, q in list(self._questions.items()) if q.digest != self.digest(subject)
        }

    def digest(self, subject: str) -> str:
        """Return a digest of the entries of the registry that decide where a subject's files belong."""
        kind, _, name = subject.partition("/")
        account = self._registry.accounts.get(name) if kind == "account" else None
        codes = account.stations if account else (name,)
        entries = [_describe(code, self._registry.stations.get(code)) for code in codes]
        return hashlib.sha256("\n".join(entries).encode()).hexdigest()[:16]


def _describe(code: str, station: Station | None) -> str:
    if station is None:
        return code
    names = [(p.code, p.file_names, p.valid_from, p.valid_to) for p in station.parameters]
    matching = (station.aliases, station.file_patterns, station.valid_from, station.valid_to)
    numbers = (station.decimal_sign,) if station.decimal_sign else ()  # digests from before it stay the same
    return repr((code, matching, names, *numbers))
