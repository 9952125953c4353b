"""All that is wrong with the records of some files, and what is unusual in them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quantrac.domain.problems import Problem
from quantrac.domain.registry_problems import problems_of
from quantrac.domain.registry_remarks import remarks_on
from quantrac.domain.territory import Territory
from quantrac.errors import UserError
from schemas.limits import load_national
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.records import Record
from schemas.messages.registry.stations import Station
from schemas.registry_files.entries import (
    Entry,
    Finding,
    Path,
    count_from_one,
    count_from_zero,
)
from schemas.registry_files.references import mistakes_between, remarks_between
from schemas.registry_files.refusals import refusals
from schemas.registry_files.sound import SoundPart

MODELS: Mapping[str, type[Station] | type[Account]] = {"stations": Station, "accounts": Account}
"""By the key of a file, or the name of a sheet."""


class RegistryMistakes(UserError):
    """Files of the registry hold mistakes; the message has a line for each, or is the only one."""

    def __init__(self, mistakes: Sequence[Finding]) -> None:
        lines = [str(mistake) for mistake in mistakes]
        head = [] if len(lines) == 1 else [f"{len(lines)} mistakes"]
        super().__init__("\n  ".join(head + lines))
        self.mistakes = mistakes


@dataclass(slots=True)
class Reading:
    """What some files hold."""

    records: list[Record] = field(default_factory=list)
    mistakes: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)

    def check(self) -> None:
        """Raise :class:`RegistryMistakes` where there is any."""
        if self.mistakes:
            raise RegistryMistakes(self.mistakes)


def judge(
    entries: Sequence[Entry],
    mistakes: Sequence[Finding] = (),
    territory: Territory | None = None,
    *,
    is_complete: bool = True,
) -> Reading:
    """Read entries as records and say what is wrong and what is unusual, in the order of their files.

    ``mistakes``: those of the files themselves. Without a ``territory`` stations may lie anywhere. Where the
    entries are not complete, since a file could not be read, what they refer to is not looked for.
    """
    reading = Reading(mistakes=list(mistakes))
    for entry in entries:
        _judge_entry(entry, reading, territory)
    if is_complete:
        reading.mistakes += mistakes_between(entries)
        reading.remarks += remarks_between(entries)
    reading.mistakes, reading.remarks = _in_order(reading.mistakes), _in_order(reading.remarks)
    return reading


def _judge_entry(entry: Entry, reading: Reading, territory: Territory | None) -> None:
    model = MODELS[entry.key]
    mistakes = [(mistake.path, mistake.sentence) for mistake in refusals(entry, model)]
    if model is Station:
        refused = {path for path, _ in mistakes}
        sound = SoundPart(entry.value, refused)
        if sound.station is not None:
            for problem in _problems_of(sound.station, refused, territory):
                in_whole = sound.in_whole(problem)
                if in_whole is not None:
                    mistakes.append((count_from_zero(in_whole.path), in_whole.sentence))
    reading.mistakes += _findings(entry, mistakes)
    if not mistakes:
        record = model.model_validate(entry.value)
        reading.records.append(record)
        remarks = [(count_from_zero(remark.path), remark.sentence) for remark in _remarks_on(record)]
        reading.remarks += _findings(entry, remarks)


def _problems_of(
    record: Station, refused: Collection[Path], territory: Territory | None
) -> Iterator[Problem]:
    station = record.to_domain()
    yield from problems_of(station, territory)
    if station.permits and ("facility_since",) not in refused:
        yield from load_national().problems_of(station)


def _remarks_on(record: Record) -> Iterator[Problem]:
    if isinstance(record, Station):
        yield from remarks_on(record.to_domain())
    elif isinstance(record, Account) and record.role == "province" and not record.provinces:
        yield Problem(("provinces",), "it names no provinces: it delivers nothing")


def _findings(entry: Entry, sentences: Iterable[tuple[Path, str]]) -> Iterator[Finding]:
    for path, sentence in sentences:
        yield Finding(entry.source.locate(path), (entry.name,), count_from_one(path), sentence)


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of their files, one for all the records that share a value."""
    shared: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        key = (finding.location, finding.path, finding.sentence)
        names = (*shared[key].names, *finding.names) if key in shared else finding.names
        shared[key] = Finding(finding.location, names, finding.path, finding.sentence)
    return sorted(shared.values(), key=lambda finding: finding.location)
