"""Running sums: they rise, stand still and begin again where nothing is wrong."""

from dataclasses import replace

from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.readings import Flag, FlaggedReading
from quantrac.domain.registry.registry import Registry
from schemas.rules import RuleBook
from support.qa import ONE, a_set, expectations, reading, registry, rules

JUDGED = {name for name, test in TESTS.items() if test.on_counter}


def registered(*, counter: bool) -> Registry:
    known = registry(("Rain", "Temp"))
    rain, *others = known.stations[ONE].parameters
    entry = replace(known.stations[ONE], parameters=(replace(rain, unit="mm", counter=counter), *others))
    return Registry(stations=known.stations | {ONE: entry})


def live(*sums: float, counter: bool = True) -> list[FlaggedReading]:
    entries = registered(counter=counter)
    judge = Judge(entries, RuleBook(rules(), entries), Memory())
    sets = [a_set(reading(5 * n, value, "Rain", unit="mm")) for n, value in enumerate(sums)]
    return [row for flagged in judge.judge(sets) for row in flagged.readings]


def test_a_dry_day_after_a_storm_and_midnight_are_no_faults() -> None:
    storm = [12.4] * 40 + [80.0] + [680.0] * 30 + [0.0] * 40
    flagged = live(*storm)
    assert {row.flag for row in flagged} == {Flag.GOOD}
    assert flagged[-1].tests.keys() <= JUDGED
    assert any(row.flag != Flag.GOOD for row in live(*storm, counter=False)), "of rain by itself it would be"


def test_what_no_sum_can_be_still_fails() -> None:
    *_, flagged = live(12.4, -5.0)
    assert flagged.flag != Flag.GOOD
    *_, flagged = live(12.4, 60_000.0)
    assert flagged.tests["equipment_range"] != Flag.GOOD


def test_a_replay_asks_the_same_tests() -> None:
    sets = [a_set(reading(5 * n, 12.4, "Rain", unit="mm")) for n in range(60)]
    judged = judge_span(StationReadings.of_sets(ONE, sets), expectations(registered(counter=True)))
    assert set(judged.flag.tolist()) == {Flag.GOOD}
