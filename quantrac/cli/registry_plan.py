"""What an import changes: the records, and what follows of them for what is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from quantrac.cli.registry_changes import (
    Span,
    changed_spans,
    join_spans,
    spans_to_average,
    withdrawn_spans,
)
from quantrac.cli.registry_dates import find_undated
from quantrac.cli.registry_differences import differences, fields_to_compare
from quantrac.cli.shown_times import show_short
from quantrac.cli.terminal import count
from quantrac.domain.bounds import MEASURED
from quantrac.domain.readings import Flag
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station as DomainStation
from quantrac.errors import UserError
from schemas.messages.registry.stations import Station
from schemas.registry import Record, record_key


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record of the files that the registry does not hold, or holds otherwise."""

    name: str
    """Kind and id: ``station HN_DEMO_KHI001``."""
    is_new: bool
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {'new' if self.is_new else '; '.join(self.differences)}"


@dataclass(slots=True)
class StationChange:
    """A station of the registry whose stored readings or averages come out otherwise."""

    code: str
    changed: list[Span]
    """Of measurement, in which something else is expected of readings."""
    withdrawn: list[tuple[str, Span]]
    """Of a parameter's measurement, in which it is withdrawn, or no more so."""
    average_spans: list[Span]
    """Of measurement, whose averages have to be computed again by a replay."""
    undated: tuple[str, ...]
    """Sentences about what changes without a date."""
    readings: int | None = None
    """Stored in :attr:`spans`; ``None`` where that could not be counted."""
    hours: int | None = None
    """Hourly averages of ``average_spans``; ``None`` where that could not be counted."""
    judged: int = 0
    """Readings judged to count the flags that change."""
    flags: Counter[tuple[int, int]] = field(default_factory=Counter)
    """How many flags change, by flag as stored and flag as it would be."""
    reopened: int = 0
    """Hourly averages with a reading among those."""

    @property
    def spans(self) -> list[Span]:
        """Of measurement, to judge again."""
        return join_spans([*self.changed, *(span for _, span in self.withdrawn)])

    @property
    def reinterprets(self) -> bool:
        """Whether something stored is judged or averaged otherwise, as far as is known."""
        return self.readings != 0 or self.hours != 0


@dataclass(slots=True)
class Plan:
    """All that an import changes."""

    records: list[RecordChange]
    stations: list[StationChange]
    untouched: Counter[str]
    """Records of the registry that are not in the files, by kind."""
    obstacle: str = ""
    """Why nothing stored could be counted."""

    def list_undated(self) -> list[str]:
        """Return what an import refuses: changes without a date that what is stored would be read by."""
        return [
            f"{change.code}: {sentence}"
            for change in self.stations
            if change.reinterprets
            for sentence in change.undated
        ]

    def refuse_undated(self) -> None:
        """Raise UserError, naming all of them, for changes without a date."""
        if undated := self.list_undated():
            lines = "\n".join(f"  {sentence}" for sentence in undated)
            raise UserError(
                "nothing is imported: what is stored would be read by what holds from now on. "
                f"Say since when, or give --correction if it was so all along.\n{lines}"
            )

    def lines(self) -> Iterator[str]:
        """Yield what changes record by record, then what follows station by station."""
        yield from map(str, self.records)
        for kind, records in sorted(self.untouched.items()):
            yield f"{count(records, kind)} of the registry not in these files, unchanged"
        for change in self.stations:
            yield from _consequences(change)

    def summary(self) -> str:
        """Return in one line what follows of all changes, however they are made."""
        if self.obstacle:
            return f"what follows for stored readings was not counted: {self.obstacle}"
        flags: Counter[tuple[int, int]] = Counter()
        for change in self.stations:
            flags.update(change.flags)
        readings, judged = (
            sum(getattr(change, name) or 0 for change in self.stations) for name in ("readings", "judged")
        )
        return _summary(
            readings,
            judged,
            flags,
            reopened=sum(change.reopened for change in self.stations),
            hours=sum(change.hours or 0 for change in self.stations),
        )


def make_plan(
    registry: Registry, values: Mapping[bytes, bytes], records: Sequence[Record], now: datetime
) -> Plan:
    """Compare records with the registry in force; ``values`` are those of its topic, ``now`` is UTC."""
    keys = {record_key(record) for record in records}
    compared = (_compare(record, values.get(record_key(record))) for record in records)
    kinds = [key.decode().partition("/")[0] for key in values if key not in keys]
    stations = []
    for record in records:
        if isinstance(record, Station) and (before := registry.stations.get(record.code)) is not None:
            change = _station_change(before, record.to_domain(), now)
            if change.spans or change.average_spans:
                stations.append(change)
    untouched = Counter(kind for kind in kinds if kind in ("station", "account"))
    return Plan([change for change in compared if change is not None], stations, untouched)


def _compare(record: Record, value: bytes | None) -> RecordChange | None:
    kind, _, name = record_key(record).decode().partition("/")
    if value is None:
        return RecordChange(f"{kind} {name}", is_new=True)
    stored = type(record).model_validate_json(value)
    changes = tuple(differences(fields_to_compare(stored), fields_to_compare(record)))
    return RecordChange(f"{kind} {name}", is_new=False, differences=changes) if changes else None


def _station_change(before: DomainStation, after: DomainStation, now: datetime) -> StationChange:
    return StationChange(
        after.code,
        changed_spans(before, after, now),
        withdrawn_spans(before, after),
        spans_to_average(before, after, now),
        tuple(find_undated(before, after, now)),
    )


def _consequences(change: StationChange) -> Iterator[str]:
    for sentence in change.undated:
        yield f"{change.code}: without a date: {sentence}"
    if change.readings is None:
        return
    spans = ", ".join(map(_write_span, change.spans))
    summary = _summary(
        change.readings, change.judged, change.flags, reopened=change.reopened, hours=change.hours or 0
    )
    yield f"{change.code}: {summary}{f' ({spans})' if spans else ''}"


def _write_span(span: Span) -> str:
    start, end = span
    return (
        f"from {show_short(start)} on" if end > MEASURED.last else f"{show_short(start)} to {show_short(end)}"
    )


def _summary(
    readings: int, judged: int, flags: Counter[tuple[int, int]], *, reopened: int, hours: int
) -> str:
    """Say what follows, in a line that is true before an import and after it."""
    parts = ", ".join(
        f"{number:,} {Flag(before).words} → {Flag(after).words}"
        for (before, after), number in sorted(flags.items())
    )
    counted = "" if judged >= readings else f" among the newest {judged:,}, which were judged to count them"
    return (
        f"to judge again: {count(readings, 'stored reading')}; another flag: {flags.total():,}"
        f"{f' ({parts})' if parts else ''}{counted}; "
        f"to average again: {count(reopened, 'hour')} by itself, {count(hours, 'hour')} by replay"
    )
