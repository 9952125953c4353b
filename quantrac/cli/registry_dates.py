"""What changes of a station without a date: its past would be read by what holds at present.

Intervals, meanings of stamps and parameters have dates. One that is changed in place says that it was so all
along; whoever means that it is so from now on has to say when the former one ended.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from quantrac.cli.registry_differences import write_time, write_value
from quantrac.domain.qa.thresholds.rule_book import REGISTRY_FACTS, registry_facts
from quantrac.domain.registry.stations import StampMeaning, Station, StationParameter
from quantrac.domain.registry.validity import Valid
from quantrac.domain.stamps import Stamps


def find_undated(before: Station, after: Station, now: datetime) -> Iterator[str]:
    """Yield a sentence for each change that names no date, with what to write where it has one.

    ``now`` (UTC) stands for the date in what is proposed.
    """
    yield from _of_interval(before, after, now)
    yield from _of_stamps(before, after, now)
    for code in dict.fromkeys(entry.code for entry in before.parameters):
        yield from _of_parameter(before, after, code, now)


def _of_interval(before: Station, after: Station, now: datetime) -> Iterator[str]:
    old, new = (station.interval_seconds / 60 for station in (before, after))
    if old != new and before.intervals == after.intervals:
        entry = f"{{minutes: {old:g}, valid_to: {write_time(now)}}}"
        yield f"interval_minutes {old:g} → {new:g}: a change needs `intervals: [{entry}]` beside it"


def _of_stamps(before: Station, after: Station, now: datetime) -> Iterator[str]:
    old, new = (_present_stamps(station.stamps) for station in (before, after))
    if old != new and _dates(before.stamps) == _dates(after.stamps):
        at = write_time(now)
        entries = f"{{{old}, valid_to: {at}}}, {{{new}, valid_from: {at}}}"
        yield f"stamps {{{old}}} → {{{new}}}: a change needs `stamps: [{entries}]`, which says since when"


def _of_parameter(before: Station, after: Station, code: str, now: datetime) -> Iterator[str]:
    old, new = ([entry for entry in s.parameters if entry.code == code] for s in (before, after))
    if not new:
        is_withdrawn = any(code in decision.parameters for decision in after.withdrawn)
        if _present_entry(old) is not None and not is_withdrawn:
            yield (
                f"parameters {code} is gone: end it with `valid_to: {write_time(now)}`; if the station never "
                f"measured it, `withdrawn: [{{parameter: {code}, why: …}}]`"
            )
        return
    entry, following = _present_entry(old), _present_entry(new)
    if entry is None or following is None or _dates(old) != _dates(new):
        return
    changes = [
        f"{name} {write_value(former)} → {write_value(present)}"
        for name, former, present in zip(
            REGISTRY_FACTS, registry_facts(entry), registry_facts(following), strict=True
        )
        if former != present
    ]
    if changes:
        yield (
            f"parameters {code} {', '.join(changes)}: a change needs two entries, the former one with "
            f"`valid_to: {write_time(now)}`, the new one with `valid_from: {write_time(now)}`"
        )


def _present_stamps(meanings: Sequence[StampMeaning]) -> str:
    """Return what stamps mean at present, as an entry of the files has it."""
    meaning = next((m for m in meanings if m.valid_to is None), StampMeaning(Stamps.INSTANT))
    length = "" if meaning.seconds is None else f", minutes: {meaning.seconds / 60:g}"
    return f"at: {meaning.at.value}{length}"


def _present_entry(entries: Sequence[StationParameter]) -> StationParameter | None:
    return next((entry for entry in entries if entry.valid_to is None), None)


def _dates(entries: Sequence[Valid]) -> set[datetime]:
    return {at for entry in entries for at in (entry.valid_from, entry.valid_to) if at is not None}
