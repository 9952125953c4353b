"""Why a stored reading has its flag: the tests' own sentences, on what is stored around it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCKS, LAG, block_of
from quantrac.domain.qa.baseline.neighbour_hours import HOUR, Hours, combine_hours, neighbours_of
from quantrac.domain.qa.checks import neighbours as neighbours_test
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.stored.explain import Explained, Explanation, explain_readings
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.readings import Flag
from quantrac.domain.stations import Decision, Station
from schemas.history import RIGHT_CLOCK, ClickHouseHistory
from schemas.rules import RuleSet
from services.api import plain
from services.api.context import Context, Database
from services.api.models import Judgement

DECISION = "decision"
"""What stands among the tests where a person decided."""

_NEIGHBOURS = "neighbours"

_ORDER = {name: place for place, name in enumerate((DECISION, *TESTS))}

_AFTER = f"""
SELECT 1 AS found
FROM readings
WHERE station = {{station:String}} AND measured_at >= toDateTime({{end:UInt32}}, 'UTC') AND {RIGHT_CLOCK}
LIMIT 1
"""  # noqa: S608  # constants of our own


class _AroundAnHour(ClickHouseHistory):
    """A history of which one hour is asked, and therefore only whether it is finished."""

    def __init__(self, database: Database, hour: float) -> None:
        """``hour`` is seconds since 1970 / 3600."""
        super().__init__(database)
        self._rows, self._end = database, int(hour + 1) * HOUR

    def newest(self, station: str) -> float:
        """Return the end of the hour where the station has a reading after it, else a time within the hour.

        The newest reading itself would be looked for in all that the station ever sent.
        """
        has_later = self._rows.columns(_AFTER, {"station": station, "end": self._end})
        return float(self._end if has_later else self._end - 1)


def explanation_of(
    context: Context, station: str, parameter: str, at: datetime, may_read: Callable[[str], bool]
) -> Explanation | None:
    """Judge one stored reading again and put every test into words; ``None`` where it is not stored.

    Where ``may_read`` refuses one of its neighbour stations, no sentence tells what those measured.

    Reads the station as far back as its tests look, the statistics of the blocks of its baseline, and its
    hour at the neighbour stations. Raises ``ClickHouseError``.
    """
    # Its caches are for one thread, and to fill them for one station takes a millisecond.
    expectations = Expectations(context.registry, context.book)
    time = at.timestamp()
    history, block = _AroundAnHour(context.database, time // HOUR), block_of(time)
    near = neighbours_of(context.registry, station)
    compared: dict[str, Hours] = {}

    def neighbours(first: int, last: int) -> Mapping[str, Hours]:
        newest = history.newest(station)
        compared.update(combine_hours(newest, [history.hours(each, first, last) for each in near]))
        return compared

    found = explain_readings(
        history.readings(station, time - expectations.look_back(station), time + 1),
        expectations,
        time,
        parameter=parameter,
        statistics=history.statistics(station, block - LAG - BLOCKS, block - LAG),
        neighbours=neighbours,
        decisions=context.registry.decisions_of(station),
    )
    if not found:
        return None
    if all(map(may_read, near)) or parameter not in compared:
        return found[0]
    count = float(compared[parameter].at(np.array([time // HOUR]))[1][0])
    return _without_neighbours_values(found[0], count)


def _without_neighbours_values(explanation: Explanation, count: float) -> Explanation:
    def hidden(test: Explained) -> Explained:
        if test.test != _NEIGHBOURS or test.outcome not in {Flag.GOOD, Flag.SUSPECT}:
            return test  # what was not compared names no value
        return replace(test, says=neighbours_test.explain_without_values(count, test.outcome))

    return replace(explanation, tests=tuple(map(hidden, explanation.tests)))


def judgements(
    reading: Mapping[str, Any], station: Station, context: Context, may_read: Callable[[str], bool]
) -> list[Judgement]:
    """Return what each test said of a reading (as ``plain.reading`` gives it), in the order of the tests.

    The outcomes are those stored; a sentence whose outcome is another one now says so.
    """
    parameter, at = reading["parameter"], reading["measured_at"]
    explanation = explanation_of(context, station.code, parameter, at, may_read)
    explained = {each.test: each for each in explanation.tests} if explanation is not None else {}
    rules = context.book.rules(reading["received_at"], at)
    sources = _sources(rules, station, parameter, at)
    stored: Mapping[str, int] = reading["tests"]
    return [
        Judgement(
            name=name,
            outcome=stored[name],
            outcome_name=plain.flag_name(stored[name]),
            says=_says(name, stored[name], explained.get(name)),
            rules=rules.version,
            source=sources.get(name, ""),
        )
        for name in sorted(stored, key=lambda name: _ORDER.get(name, len(_ORDER)))
    ]


def decision_about(context: Context, station: str, parameter: str, at: datetime) -> Decision | None:
    """Return the decision that counts for a reading, maintenance of the registry among them."""
    standing = context.registry.decisions_of(station)
    return next((each for each in reversed(standing) if each.covers(parameter, at)), None)


def _says(test: str, outcome: int, explained: Explained | None) -> str:
    if explained is None and test == DECISION:
        return "a person decided; the registry here holds no such decision now"
    if explained is None:
        return "not asked by the rules that hold for this reading now"
    if explained.outcome == outcome:
        return explained.says
    return (
        f"{explained.says}; judged by what is stored now, the outcome is {plain.flag_name(explained.outcome)}"
    )


def _sources(rules: RuleSet, station: Station, parameter: str, at: datetime) -> dict[str, str]:
    """Name scope and source of each test's thresholds, the widest scope first."""
    record = station if station.valid_at(at) else None
    kind = record.type.value if record is not None else ""
    layers = rules.layers(kind, station.code, parameter, at)
    facts = registry_thresholds(record.parameter(parameter, at) if record is not None else None)
    found = {}
    for test, settings in layers.items():
        named = [f"{scope}: {entry.source or 'no source named'}" for scope, entry in settings]
        if facts.get(test):
            named.append(f"registry: {station.code}/{parameter}")
        found[test] = "; ".join(named)
    return found
