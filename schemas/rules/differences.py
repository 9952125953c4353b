"""What one rule set changes of what another puts in force, threshold by threshold."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias

from quantrac.domain.times import to_local_iso
from schemas.rules.ruleset import TYPES, Entry, RuleSet, Scope, Value, is_table

OFF = "off"
ON = "on"
"""Of a test that is on, beside its thresholds."""

_EVER = datetime.min.replace(tzinfo=UTC)

_Change: TypeAlias = tuple[str, Value | None, Value | None]
"""Test or threshold, what it was and what it is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One threshold that differs; ``None`` where there is none."""

    setting: str
    """``ambient-air/PM2.5 spike.suspect``, with the dates between which it differs where it has any."""
    old: Value | None
    new: Value | None

    def __str__(self) -> str:
        return f"{self.setting}: {show_value(self.old)} -> {show_value(self.new)}"


def differences(old: RuleSet, new: RuleSet, types: Mapping[str, str] | None = None) -> list[Difference]:
    """Compare what two rule sets put in force, by scope, test, time of measurement and threshold.

    Where both write the same for a test of a scope, nothing is told of it. Where they do not, what holds
    there is compared, that of wider scopes included: a station's threshold that says what its type has is no
    change, and one that is taken back becomes that of the type. ``types`` tells the type of a station by its
    code; of an unknown one every type that names the parameter is looked at, and the setting names the types
    where they differ. Sources are left aside.
    """
    changed = {
        (scope, test)
        for rules in (old, new)
        for scope, tests in rules.settings.items()
        for test in tests
        if _entries_of(old, scope, test) != _entries_of(new, scope, test)
    }
    changes = [
        change for scope, test in changed for change in _compare_test(old, new, scope, test, types or {})
    ]
    if old.required != new.required:
        changes.append(Difference("required", *(", ".join(sorted(rules.required)) for rules in (old, new))))
    return sorted(changes, key=lambda difference: difference.setting)


def _entries_of(rules: RuleSet, scope: Scope, test: str) -> list[Entry]:
    return list(rules.settings.get(scope, {}).get(test, ()))


def _compare_test(
    old: RuleSet, new: RuleSet, scope: Scope, test: str, types: Mapping[str, str]
) -> Iterator[Difference]:
    types_by_changes: dict[tuple[tuple[str, _Change], ...], list[str]] = {}
    for name in _types_of(scope, (old, new), types):
        series = (name, scope.name if scope.section == "stations" else "", scope.parameter)
        changes = tuple(_compare_series(old, new, series, test))
        types_by_changes.setdefault(changes, []).append(name)
    for changes, names in types_by_changes.items():
        of_types = f" ({', '.join(names)})" if len(types_by_changes) > 1 else ""
        for dates, (name, before, after) in changes:
            yield Difference(f"{scope}{of_types} {name}{dates}", before, after)


def _types_of(scope: Scope, sets: Sequence[RuleSet], types: Mapping[str, str]) -> Sequence[str]:
    """Return the station types whose series a scope is about."""
    match scope.section:
        case "national":
            return ("",)
        case "station_types":
            return (scope.name,)
    if scope.name in types:
        return (types[scope.name],)
    measured_by = [
        name
        for name in TYPES[1:]
        if any(Scope("station_types", name, scope.parameter) in rules.settings for rules in sets)
    ]
    return (scope.parameter and measured_by) or TYPES[1:]


def _compare_series(
    old: RuleSet, new: RuleSet, series: tuple[str, str, str], test: str
) -> Iterator[tuple[str, _Change]]:
    """Yield what differs for a series, with the dates between which it does."""
    cuts = sorted({*old.changes(*series), *new.changes(*series)})
    spans: list[tuple[datetime | None, datetime | None, list[_Change]]] = []
    for start, end in pairwise((None, *cuts, None)):
        changes = list(_compare_at(old, new, (*series, start or _EVER), test))
        begun = spans.pop()[0] if spans and spans[-1][2] == changes else start
        spans.append((begun, end, changes))
    for start, end, changes in spans:
        yield from ((_dates(start, end), change) for change in changes)


def _compare_at(
    old: RuleSet, new: RuleSet, series: tuple[str, str, str, datetime], test: str
) -> Iterator[_Change]:
    before, after = old.thresholds(*series).get(test), new.thresholds(*series).get(test)
    if (before is None) != (after is None):
        yield test, OFF if before is None else ON, OFF if after is None else ON
    before, after = before or {}, after or {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{test}.{name}", before.get(name), after.get(name)


def _dates(start: datetime | None, end: datetime | None) -> str:
    if start is None and end is None:
        return ""
    return f" [{', '.join(to_local_iso(time) if time else '' for time in (start, end))})"


def show_value(value: Value | None) -> str:
    """Write a threshold for a person.

    >>> show_value(7.0), show_value("PM10"), show_value((65535, 6553.5)), show_value(None)
    ('7', 'PM10', '65535 6553.5', 'none')
    """
    if value is None:
        return "none"
    if is_table(value):
        limits = [limit for month in value for limit in month if not math.isnan(limit)]
        return (
            f"table of {len(limits)} limits, {min(limits):g} to {max(limits):g}" if limits else "empty table"
        )
    if isinstance(value, tuple):
        return " ".join(f"{number:.10g}" for number in value) or "empty list"
    return value if isinstance(value, str) else f"{value:.10g}"
