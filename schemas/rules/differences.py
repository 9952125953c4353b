"""What one rule set changes of another, threshold by threshold."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.rules.ruleset import Entry, RuleSet, Value, is_table

OFF = "off"
ON = "on"
"""Of a test that is on, beside its thresholds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One threshold that differs; ``None`` where a rule set does not state it."""

    setting: str
    """``ambient-air/PM2.5 spike.suspect``, with the dates of its validity where it has any."""
    old: Value | None
    new: Value | None

    def __str__(self) -> str:
        return f"{self.setting}: {show_value(self.old)} -> {show_value(self.new)}"


def differences(old: RuleSet, new: RuleSet) -> list[Difference]:
    """Compare two rule sets as they are written: by scope, test, validity and threshold; sources aside."""
    before, after = _flat(old), _flat(new)
    keys = dict.fromkeys((*before, *after))
    return [
        Difference(key, before.get(key), after.get(key))
        for key in sorted(keys)
        if before.get(key) != after.get(key)
    ]


def _flat(rules: RuleSet) -> Mapping[str, Value]:
    values: dict[str, Value] = {"required": ", ".join(sorted(rules.required))}
    for scope, tests in rules.settings.items():
        for test, entries in tests.items():
            for entry in entries:
                for name, value in _thresholds_of(entry):
                    values[f"{scope} {test}{name}{_dates(entry)}"] = value
    return values


def _thresholds_of(entry: Entry) -> Iterator[tuple[str, Value]]:
    if entry.thresholds is None:
        yield "", OFF
        return
    yield "", ON
    yield from ((f".{name}", value) for name, value in entry.thresholds.items())


def _dates(entry: Entry) -> str:
    if entry.always:
        return ""
    return f" [{_day(entry.valid_from)}, {_day(entry.valid_to)})"


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%dT%H:%MZ}" if time else ""


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
