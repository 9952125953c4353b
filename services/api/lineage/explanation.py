"""Why a stored reading has its flag: the sentences of the tests, computed again from what is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCK, BLOCKS, LAG, block_of
from quantrac.domain.qa.baseline.neighbour_hours import Hours, combine_hours, neighbours_of
from quantrac.domain.qa.checks import neighbours as neighbours_test
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.stored.explain import Explained, Explanation, explain_readings
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.readings import Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import HOUR
from schemas.clickhouse.history import ClickHouseHistory
from schemas.rules import RuleSet
from services.api.common.context import Context
from services.api.common.database import Database
from services.api.lineage.answer import Judgement
from services.api.lineage.query import has_readings_after
from services.api.readings.answer import flag_name

DECISION = "decision"
"""Name of the outcome that a person's decision has among the tests."""

_NEIGHBOURS = "neighbours"

_ORDER = {name: index for index, name in enumerate((DECISION, *TESTS))}


class _HistoryOfOneHour(ClickHouseHistory):
    """A history that is read for one hour only, and so need only say whether that hour is complete."""

    def __init__(self, database: Database, hour: float) -> None:
        """``hour`` is seconds since 1970 UTC / 3600."""
        super().__init__(database)
        self._rows, self._end = database, int(hour + 1) * HOUR

    def _newest_of(self, stations: Sequence[str]) -> Mapping[str, float]:
        """Return the end of the hour where a station has a reading after it, else a time within the hour.

        Seconds since 1970 UTC. To find the newest reading itself, all readings of the station would be read.
        """
        return {
            station: self._end - (not has_readings_after(self._rows, station=station, end=self._end))
            for station in stations
        }


def explain_reading(
    context: Context, station: str, parameter: str, measured_at: datetime, can_read: Callable[[str], bool]
) -> Explanation | None:
    """Judge one stored reading again and put every test into words; ``None`` where it is not stored.

    Where ``can_read`` refuses one of its neighbour stations, no sentence says what those measured.

    Reads the station as far back as its tests look and to the end of the block of time, the statistics of the
    blocks of its baseline, and its hour at the neighbour stations. Raises ``ClickHouseError``.
    """
    # Built anew: its caches are for one thread, and filling them for one station takes a millisecond.
    expectations = Expectations(context.registry, context.book)
    time = measured_at.timestamp()
    history, block = _HistoryOfOneHour(context.database, time // HOUR), block_of(time)
    block_end = (block + 1) * BLOCK
    is_block_over = has_readings_after(context.database, station=station, end=block_end)
    neighbour_codes = neighbours_of(context.registry, station)
    # Medians over the neighbours, an array of hours for each parameter; filled when a test reads them.
    neighbour_hours: dict[str, Hours] = {}

    def read_neighbours(first_hour: int, last_hour: int) -> Mapping[str, Hours]:
        hours = history.hours(neighbour_codes, first_hour, last_hour)
        neighbour_hours.update(combine_hours(history.newest(station), hours))
        return neighbour_hours

    explanations = explain_readings(
        history.readings(station, time - expectations.look_back(station), block_end),
        expectations,
        time,
        parameter=parameter,
        statistics=history.statistics(station, block - LAG - BLOCKS, block - LAG),
        neighbours=read_neighbours,
        decisions=context.registry.decisions_of(station),
        newest=float(block_end if is_block_over else time),
    )
    if not explanations:
        return None
    if all(map(can_read, neighbour_codes)) or parameter not in neighbour_hours:
        return explanations[0]
    count = float(neighbour_hours[parameter].at(np.array([time // HOUR]))[1][0])
    return _hide_neighbours_values(explanations[0], count)


def _hide_neighbours_values(explanation: Explanation, count: float) -> Explanation:
    def hide_values(test: Explained) -> Explained:
        if test.test != _NEIGHBOURS or test.outcome not in {Flag.GOOD, Flag.SUSPECT}:
            return test  # nothing was compared, so the sentence names no value
        return replace(test, says=neighbours_test.explain_without_values(count, test.outcome))

    return replace(explanation, tests=tuple(map(hide_values, explanation.tests)))


def build_judgements(
    reading: Mapping[str, Any], station: Station, context: Context, can_read: Callable[[str], bool]
) -> list[Judgement]:
    """Return what each test said of a reading (as ``present_reading`` gives it), in the order of the tests.

    The outcomes are those stored; where the outcome of today is another one, the sentence says so. Where
    ``can_read`` refuses a neighbour station, no sentence says what it measured. Raises ``ClickHouseError``.
    """
    parameter, measured_at = reading["parameter"], reading["measured_at"]
    explanation = explain_reading(context, station.code, parameter, measured_at, can_read)
    explained = {test.test: test for test in explanation.tests} if explanation is not None else {}
    rules = context.book.rules(reading["received_at"], measured_at)
    sources = _name_sources(rules, station, parameter, measured_at)
    stored: Mapping[str, int] = reading["tests"]
    return [
        Judgement(
            name=name,
            outcome=stored[name],
            outcome_name=flag_name(stored[name]),
            says=_word_outcome(name, stored[name], explained.get(name)),
            rules=rules.version,
            source=sources.get(name, ""),
        )
        for name in sorted(stored, key=lambda name: _ORDER.get(name, len(_ORDER)))
    ]


def find_decision(context: Context, station: str, parameter: str, measured_at: datetime) -> Decision | None:
    """Return the decision that counts for a reading, maintenance of the registry among them."""
    decisions = context.registry.decisions_of(station)
    covering = (decision for decision in reversed(decisions) if decision.covers(parameter, measured_at))
    return next(covering, None)


def _word_outcome(test: str, outcome: int, explained: Explained | None) -> str:
    if explained is None and test == DECISION:
        return "a person decided; the registry here holds no such decision now"
    if explained is None:
        return "not asked by the rules that hold for this reading now"
    if explained.outcome == outcome:
        return explained.says
    return f"{explained.says}; judged by what is stored now, the outcome is {flag_name(explained.outcome)}"


def _name_sources(rules: RuleSet, station: Station, parameter: str, measured_at: datetime) -> dict[str, str]:
    """Name scope and source of each test's thresholds, the widest scope first."""
    record = station if station.valid_at(measured_at) else None
    type_ = record.type.value if record is not None else ""
    layers = rules.layers(type_, station.code, parameter, measured_at)
    facts = registry_thresholds(record.parameter(parameter, measured_at) if record is not None else None)
    sources = {}
    for test, settings in layers.items():
        scopes = [f"{scope}: {entry.source or 'no source named'}" for scope, entry in settings]
        if facts.get(test):
            scopes.append(f"registry: {station.code}/{parameter}")
        sources[test] = "; ".join(scopes)
    return sources
