"""What changes of a station's past without a date: it would be read by what holds at present.

Intervals, meanings of stamps and parameters have dates. One that is changed in place, or taken out, says that
it was so all along; whoever means that it is so from now on has to say when the former one ended. A change is
dated where it begins or ends at a time that the former record does not name.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from quantrac.cli.registry_differences import write_value
from quantrac.cli.shown_times import show_short
from quantrac.domain.qa.thresholds.rule_book import REGISTRY_FACTS, registry_facts
from quantrac.domain.registry.stations import StampMeaning, Station
from quantrac.domain.registry.validity import BEFORE_ALL, Valid, change_times
from quantrac.domain.stamps import Stamps

_END = datetime.max.replace(tzinfo=UTC)


class _Change(NamedTuple):
    """A value of the registry in force in a span, and the one of the new record."""

    start: datetime
    end: datetime
    before: Any
    after: Any
    """``None`` where nothing is said any more."""

    def __str__(self) -> str:
        start = "" if self.start == BEFORE_ALL else f" from {show_short(self.start)}"
        return start + ("" if self.end == _END else f" until {show_short(self.end)}")


def find_undated(before: Station, after: Station, now: datetime) -> Iterator[str]:
    """Yield a sentence for each change that names no date, with what to write where it has one.

    ``now`` (UTC) stands for the date in what is proposed.
    """
    at = show_short(now)
    for change in _changes(before, after, _intervals, _interval_at):
        old, new = (f"{seconds / 60:g}" for seconds in (change.before, change.after))
        entries = f"`intervals: [{{minutes: {old}, valid_to: {at}}}]` beside it"
        yield f"interval {old} → {new} minutes{change}: {_advice(change, entries)}"
    for change in _changes(before, after, _stamps, _stamps_at):
        old, new = change.before, change.after
        entries = f"`stamps: [{{{old}, valid_to: {at}}}, {{{new}, valid_from: {at}}}]`"
        yield f"stamps {old} → {new}{change}: {_advice(change, entries)}"
    for code in dict.fromkeys(entry.code for entry in before.parameters):
        yield from _of_parameter(before, after, code, at)


def _of_parameter(before: Station, after: Station, code: str, at: str) -> Iterator[str]:
    def entries(station: Station) -> Sequence[Valid]:
        return [entry for entry in station.parameters if entry.code == code]

    def facts_at(station: Station, time: datetime) -> Any:
        entry = station.parameter(code, time)
        return None if entry is None else registry_facts(entry)

    is_withdrawn = any(code in decision.parameters for decision in after.withdrawn)
    for change in _changes(before, after, entries, facts_at):
        if change.after is not None:
            facts = ", ".join(
                f"{name} {write_value(old)} → {write_value(new)}"
                for name, old, new in zip(REGISTRY_FACTS, change.before, change.after, strict=True)
                if old != new
            )
            two = f"two entries, the former one with `valid_to: {at}`, the new one with `valid_from: {at}`"
            yield f"parameters {code} {facts}{change}: {_advice(change, two)}"
        elif not is_withdrawn:
            yield (
                f"parameters {code} is gone{change}: end it with `valid_to: {at}`; if the station never "
                f"measured it, `withdrawn: [{{parameter: {code}, why: …}}]`"
            )


def _advice(change: _Change, entries: str) -> str:
    if change.end == _END:
        return f"a change needs {entries}, which says since when"
    return "what was said of that time has to stay, with its dates"


def _changes(
    before: Station,
    after: Station,
    entries: Callable[[Station], Sequence[Valid]],
    value_at: Callable[[Station, datetime], Any],
) -> Iterator[_Change]:
    """Yield the spans in which the former record said something that the new one does not, undated ones."""
    former_dates, dates = (change_times(entries(station)) for station in (before, after))
    changes: list[_Change] = []
    for cut, end in pairwise([BEFORE_ALL, *sorted(former_dates | dates), _END]):
        old, new = value_at(before, cut), value_at(after, cut)
        if old is None or old == new:
            continue
        goes_on = bool(changes) and changes[-1][1:] == (cut, old, new)
        changes.append(_Change(changes.pop().start if goes_on else cut, end, old, new))
    new_dates = dates - former_dates
    yield from (change for change in changes if not {change.start, change.end} & new_dates)


def _intervals(station: Station) -> Sequence[Valid]:
    return station.intervals


def _interval_at(station: Station, time: datetime) -> int:
    return station.interval_at(time)


def _stamps(station: Station) -> Sequence[Valid]:
    return station.stamps


def _stamps_at(station: Station, time: datetime) -> str:
    """What stamps mean, as an entry of the files has it."""
    meaning = next((m for m in station.stamps if m.valid_at(time)), StampMeaning(Stamps.INSTANT))
    length = "" if meaning.seconds is None else f", minutes: {meaning.seconds / 60:g}"
    return f"at: {meaning.at.value}{length}"
