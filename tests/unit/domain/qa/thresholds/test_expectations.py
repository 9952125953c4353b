"""Which thresholds hold for which reading: rules, registry and dates."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.testing.rules import FixedRuleBook, FixedRules
from support.judging import STATION, a_set, flags, judge, minute, reading, registry

TIGHT = FixedRules({"status": {}, "equipment_range": {"low": 0.0, "high": 10.0}}, version="tight")


def test_rules_switch_with_the_time_of_receipt_within_a_batch():
    book = FixedRuleBook(received=[(minute(10), TIGHT)])
    sets = [a_set(reading(5, 20.0, "X"), received=9), a_set(reading(6, 20.0, "X"), received=10)]
    flagged = Judge(registry(), book, Memory()).judge(sets)
    assert [s.rules for s in flagged] == ["0123456789ab", "tight"]
    assert [s.readings[0].tests["equipment_range"] for s in flagged] == [2, 4]


def test_rules_of_a_replay_judge_the_readings_of_its_span():
    book = FixedRuleBook(measured=[(minute(5), minute(10), TIGHT)])
    flagged = Judge(registry(), book, Memory()).judge([a_set(*(reading(i, 20.0, "X") for i in (0, 5, 10)))])
    assert [r.tests["equipment_range"] for r in flagged[0].readings] == [2, 4, 2]
    assert flagged[0].rules == "0123456789ab"


def test_another_edition_of_the_rule_book_holds_from_the_next_batch():
    book = FixedRuleBook()
    judged = Judge(registry(), book, Memory())
    assert flags(judged.judge([a_set(reading(0, 20.0, "X"))])) == [2]
    book.replace(TIGHT)
    [flagged] = judged.judge([a_set(reading(5, 20.0, "X"))])
    assert (flagged.rules, flagged.readings[0].flag) == ("tight", 4)


def test_thresholds_follow_their_dates():
    class Dated(FixedRules):
        def changes(self, *place):
            return [minute(10)]

        def thresholds(self, station_type, station, parameter, at):
            return {"status": {}, "equipment_range": {"low": 0.0, "high": 10.0 if at < minute(10) else 30.0}}

    [flagged] = judge([a_set(*(reading(i, 20.0, "X") for i in (5, 10, 15)))], rules=Dated())
    assert [r.flag for r in flagged.readings] == [4, 1, 1]


def test_a_threshold_by_month_and_hour_is_picked_by_the_time_of_the_reading():
    warm = tuple(tuple(float(100 * month + hour) for hour in range(24)) for month in range(12))
    rows = [
        FixedRules({"climatology": {"low": 0.0, "high": warm}}),
        FixedRules({"climatology": {"high": 7.0}}),
    ]
    table = Expectations(registry(), FixedRuleBook(rows[0], received=[(minute(0), rows[1])]))
    times = np.array(
        [datetime(2026, month, 9, hour, tzinfo=UTC).timestamp() for month, hour in ((1, 0), (3, 5), (12, 23))]
    )
    before, after = np.full(3, minute(-5).timestamp()), np.full(3, minute(5).timestamp())
    for received, high in ((before, [0.0, 205.0, 1123.0]), (after, [7.0, 7.0, 7.0])):
        profiles = table.profile_indices(STATION, ["PM2.5"] * 3, received, times)
        assert table.thresholds(profiles, times)["climatology"]["high"].tolist() == high


def test_expectations_give_interval_look_back_and_texts_of_rows():
    tests = {"zero": {"after": 3000.0}, "drops_with": {"other": "CO"}, "unit": {}}
    table = Expectations(registry(valid_to=minute(10)), FixedRuleBook(FixedRules(tests)))
    times = np.array([minute(0).timestamp(), minute(10).timestamp()])
    profiles = table.profile_indices(STATION, ["PM2.5"] * 2, times, times)
    thresholds, enabled = table.thresholds(profiles, times), table.enabled_tests(profiles)
    assert table.intervals(profiles).tolist()[0] == 300.0
    assert np.isnan(table.intervals(profiles)[1])
    assert table.look_backs(profiles).tolist() == [180_000.0, 180_000.0]
    assert table.look_back(STATION) == 60 * 3000.0
    assert thresholds["drops_with"]["other"].tolist() == ["CO", "CO"]
    assert thresholds["unit"]["expected"].tolist() == ["ug/m3", None]
    assert (enabled["zero"].tolist(), enabled["spike"].tolist()) == ([True, True], [False, False])


def test_profiles_of_every_registered_station_are_kept(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.thresholds.expectations.MOST_STATIONS", 2)
    known = registry()
    known.stations |= {f"S{i}": replace(known.stations[STATION], code=f"S{i}") for i in range(5)}
    expectations = Expectations(known, FixedRuleBook())
    kept = [expectations.station_profiles(code) for code in known.stations]
    assert [expectations.station_profiles(code) for code in known.stations] == kept
    for number in range(20):
        expectations.station_profiles(f"Spam {number}")
        assert len(expectations._stations) <= 2 + len(known.stations)
