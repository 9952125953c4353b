"""Sends again what the ministry lacks, and looks whether it has come."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from quantrac.domain.ids import reading_version, received_of, traceparent
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.reconciliation.differences import Difference, Source, Subject, compare_rows
from quantrac.domain.times import from_milliseconds, to_iso
from quantrac.io.records import Producer, Record
from quantrac.reconciliation.reasons import Finding
from schemas.clickhouse.stored_sets import Database, StoredSets
from schemas.codecs.sets import encode_flagged_set

_LOOK_SECONDS = 1.0
_MOST_ON_THE_WAY = 20_000
"""Readings sent and not seen at the ministry yet, after which the next ones wait."""


def versions_to_send(differences: Iterable[Difference]) -> dict[str, set[int]]:
    """Return station -> versions of the sets that the ministry needs to have the readings as they stand.

    Where it does not have the file at all, the file as it was first judged too: only that has its rejected
    lines, and all its readings.
    """
    versions: dict[str, set[int]] = defaultdict(set)
    for difference in differences:
        if difference.province is not None and difference.can_be_sent:
            version = difference.province.version
            versions[difference.station].add(version)
            if not difference.has_file:
                versions[difference.station].add(reading_version(from_milliseconds(received_of(version))))
    return dict(versions)


def to_record(topic: str, flagged: FlaggedSet, now: datetime) -> Record:
    """Return the message of a set that is to be delivered once more.

    The time makes it another delivery than any before: the ministry answers a body that it knows with the
    receipt of then, and takes nothing.
    """
    value = encode_flagged_set(flagged)[:-1] + f',"sent_again_at":"{to_iso(now)}"}}'.encode()
    headers = {"file_id": flagged.file_id, "traceparent": traceparent(flagged.file_id)}
    return Record(
        topic,
        flagged.station.encode(),
        value,
        {name: text.encode() for name, text in headers.items()},
    )


@dataclass(slots=True)
class Repair:
    """Sends sets to the topic ``redelivery`` and waits until both tiers have their readings alike."""

    database: Database
    producer: Producer
    topic: str
    province: Source
    ministry: Source
    clock: Callable[[], datetime]
    wait: Callable[[float], bool]
    """Waits some seconds; tells whether to give up."""
    patience: float
    """Seconds without progress after which the rest counts as not repaired."""
    sets: int = 0
    """Sent so far."""
    repaired: int = 0
    """Readings that have come alike."""
    _on_the_way: list[list[Finding]] = field(default_factory=list)

    def send(self, findings: Sequence[Finding]) -> None:
        """Send what of some findings (of one station, a few days) can be mended; raises what stores raise."""
        sendable = [finding for finding in findings if finding.can_be_repaired]
        if not sendable:
            return
        now = self.clock()
        records = [to_record(self.topic, flagged, now) for flagged in self._sets(sendable)]
        self.producer.produce(records)
        self.producer.flush()
        self.sets += len(records)
        self._on_the_way.append(sendable)
        if sum(map(len, self._on_the_way)) >= _MOST_ON_THE_WAY:
            self.await_arrival()

    def await_arrival(self) -> None:
        """Wait for what was sent, and note in the findings what has come."""
        waited = 0.0
        while self._on_the_way and waited < self.patience:
            if self.wait(_LOOK_SECONDS):
                break
            waited += _LOOK_SECONDS
            before = self.repaired
            self._on_the_way = [rest for rest in map(self._look, self._on_the_way) if rest]
            if self.repaired > before:
                waited = 0.0
        self._on_the_way = []

    def _sets(self, findings: Sequence[Finding]) -> Iterator[FlaggedSet]:
        stored = StoredSets(self.database)
        for station, versions in versions_to_send(f.difference for f in findings).items():
            yield from stored.read(station, versions)

    def _look(self, findings: Sequence[Finding]) -> list[Finding]:
        """Note which of some findings of one station are mended; return the others."""
        rest = look_again(self.province, self.ministry, findings)
        remaining = {finding.difference.key for finding in rest}
        for finding in findings:
            finding.is_repaired = finding.difference.key not in remaining
        self.repaired += len(findings) - len(rest)
        return rest


def look_again(province: Source, ministry: Source, findings: Sequence[Finding]) -> list[Finding]:
    """Return those of some findings of readings of one station that differ still."""
    times = [finding.difference.key.time for finding in findings if finding.difference.key is not None]
    if not times:
        return list(findings)
    station, start, end = findings[0].difference.station, min(times), max(times) + timedelta(seconds=1)
    sides = [side.rows(Subject.READINGS, station, start, end) for side in (province, ministry)]
    unequal = {difference.key for difference in compare_rows(Subject.READINGS, station, *sides)}
    return [finding for finding in findings if finding.difference.key in unequal]
