"""Profiles are shared by stations of a kind, and still are what rules and registry say of each reading."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.number_lists import NumberLists
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.registry.intervals import Interval
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.testing.rules import FixedRuleBook
from schemas.rules.ruleset import Entry, RuleSet, Scope
from support.effort import examples
from support.judging import START, minute

CODES = ("PM2.5", "PM10", "CO")
STATIONS = ("A", "B", "C", "D")
NOBODY = "nobody"
WARM = tuple(tuple(float(100 * month + hour) for hour in range(24)) for month in range(12))

times = st.sampled_from([None, *(minute(60 * hour) for hour in range(4))])
thresholds = st.sampled_from(
    [
        ("zero", {"after": 3000.0}),
        ("zero", {"after": 90.0, "fail_after": 4000.0}),
        ("spike", {"suspect": 5.0, "fail": 50.0, "minutes": 2000.0}),
        ("climatology", {"high": WARM}),
        ("climatology", {"low": 1.0, "high": 7.0}),
        ("against_other", {"other": "PM10", "at_most": 2.0}),
        ("drops_with", {"other": "CO"}),
        ("equipment_range", {"low": 0.0}),
        ("unit", {}),
        ("status", {}),
        ("status", None),
    ]
)


@st.composite
def rule_sets(draw):
    scopes = st.tuples(
        st.sampled_from([("national", ""), ("station_types", "ambient-air"), ("stations", "A")]),
        st.sampled_from(["", "PM2.5", "CO"]),
    )
    rows = draw(st.lists(st.tuples(scopes, thresholds, times, times), max_size=8))
    rules = {}
    for ((section, name), code), (test, values), start, end in rows:
        rules.setdefault(Scope(section, name, code), {}).setdefault(test, []).append(
            Entry(values, start, end)
        )
    return RuleSet(draw(st.sets(st.sampled_from(["status", "unit"]))), rules)


@st.composite
def registries(draw):
    parameters = st.builds(
        StationParameter,
        st.sampled_from(CODES),
        st.sampled_from(["ug/m3", "ppb"]),
        range_low=st.sampled_from([None, -5.0]),
        range_high=st.sampled_from([None, 100.0]),
        valid_from=times,
        valid_to=times,
    )
    intervals = st.builds(Interval, st.sampled_from([600, 900]), valid_from=times, valid_to=times)
    # Few templates for several stations, so that some are of one kind.
    templates = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "type": st.sampled_from([StationType.AMBIENT_AIR, StationType.STACK]),
                    "interval_seconds": st.sampled_from([300, 3600]),
                    "intervals": st.lists(intervals, max_size=2).map(tuple),
                    "parameters": st.lists(parameters, max_size=4).map(tuple),
                    "valid_from": times,
                    "valid_to": times,
                }
            ),
            min_size=1,
            max_size=2,
        )
    )
    stations = {}
    for code in STATIONS:
        fields = draw(st.sampled_from(templates))
        stations[code] = Station(
            code=code, name=code, name_en=code, province="01", latitude=21.0, longitude=105.8, **fields
        )
    return Registry(stations=stations)


@st.composite
def books(draw):
    received = draw(
        st.lists(st.tuples(times.filter(bool), rule_sets()), max_size=2, unique_by=lambda r: r[0])
    )
    spans = draw(st.lists(st.tuples(times, times, rule_sets()), max_size=1))
    return FixedRuleBook(
        draw(rule_sets()),
        received=sorted(received, key=lambda row: row[0]),
        measured=[span for span in spans if span[0] and span[1] and span[0] < span[1]],
    )


files = st.lists(
    st.tuples(
        st.sampled_from([*STATIONS, NOBODY]),
        st.lists(st.sampled_from([*CODES, "unheard"]), min_size=1, max_size=4),
        st.integers(0, 5),
        st.lists(st.integers(-1, 5), min_size=4, max_size=4),
    ),
    min_size=1,
    max_size=8,
)


def expected(registry, book, station, parameter, received, measured):
    """What holds for one reading, straight from rules and registry."""
    record = registry.station(station, measured)
    rules = book.rules(received, measured)
    entry = record.parameter(parameter, measured) if record else None
    from_rules = rules.thresholds(record.type if record else "", station, parameter, measured)
    tests = {
        test: {**values, **registry_thresholds(entry).get(test, {})} for test, values in from_rules.items()
    }
    return rules, tests, record.all_intervals.step_at(measured) if record else None


def expected_value(tests, test, keyword, parameter, measured):
    default = parameter.default if parameter.default is not parameter.empty else None
    value = tests.get(test, {}).get(keyword, default)
    if isinstance(value, tuple):
        value = value[measured.month - 1][measured.hour]
    return None if isinstance(value, float) and np.isnan(value) else value


def look_back(tests):
    """In seconds."""
    minutes = [1440.0]
    for name, values in tests.items():
        for keyword in TESTS[name].look_back:
            threshold = thresholds_of(TESTS[name])[keyword]
            value = values.get(keyword, threshold.default)
            minutes.append(value if np.isfinite(value) else 0.0)
    return 60.0 * max(minutes)


@settings(deadline=None, max_examples=examples(150))
@given(registries(), books(), files)
def test_every_reading_has_what_rules_and_registry_say(registry, book, sent):
    expectations = Expectations(registry, book)
    for station, parameters, received_hour, hours in sent:
        received = minute(60 * received_hour)
        measured = [START + timedelta(hours=hour) for hour in hours[: len(parameters)]]
        seconds = np.array([time.timestamp() for time in measured])
        profiles = expectations.station_profiles(station).of_file(
            parameters, received.timestamp(), seconds.tolist()
        )
        of_rows = expectations.profile_indices(
            station, parameters, np.full(len(seconds), received.timestamp()), seconds
        )
        assert of_rows.tolist() == profiles.tolist()
        gathered = expectations.thresholds(profiles, seconds)
        enabled, required = expectations.enabled_tests(profiles), expectations.required_tests(profiles)
        intervals, look_backs = expectations.intervals(profiles), expectations.look_backs(profiles)
        for row, (parameter, time) in enumerate(zip(parameters, measured, strict=True)):
            rules, tests, interval = expected(registry, book, station, parameter, received, time)
            assert expectations.version(int(profiles[row])) == rules.version
            assert {name for name in TESTS if enabled[name][row]} == set(tests)
            assert {name for name, is_on in zip(TESTS, required[row], strict=True) if is_on} == rules.required
            assert expectations.required_set(int(expectations.required_set_indices(profiles)[row])) == (
                rules.required
            )
            assert (None if np.isnan(intervals[row]) else intervals[row]) == interval
            assert look_backs[row] == look_back(tests)
            for name, test in TESTS.items():
                for keyword, threshold in thresholds_of(test).items():
                    column = gathered[name][keyword]
                    if isinstance(column, NumberLists):
                        numbers = tests.get(name, {}).get(keyword, ())
                        assert column.lists[column.index[row]] == tuple(numbers)
                        continue
                    value = column[row]
                    is_missing = value is None or (isinstance(value, float) and np.isnan(value))
                    assert (None if is_missing else value) == expected_value(
                        tests, name, keyword, threshold, time
                    )


@settings(deadline=None, max_examples=examples(60))
@given(registries(), books(), files)
def test_a_station_does_not_depend_on_what_others_of_its_kind_sent(registry, book, sent):
    shared = Expectations(registry, book)
    for station, parameters, received_hour, hours in sent:
        shared.station_profiles(station).of_file(
            parameters,
            minute(60 * received_hour).timestamp(),
            [minute(60 * hour).timestamp() for hour in hours[: len(parameters)]],
        )
    for station in {station for station, *_ in sent}:
        alone = Expectations(registry, book)
        own = [(parameters, hour, hours) for name, parameters, hour, hours in sent if name == station]
        for parameters, received_hour, hours in own:
            alone.station_profiles(station).of_file(
                parameters,
                minute(60 * received_hour).timestamp(),
                [minute(60 * hour).timestamp() for hour in hours[: len(parameters)]],
            )
        assert shared.look_back(station) == alone.look_back(station)
        codes = [
            [code for code, _ in table.station_profiles(station).all_profiles()] for table in (shared, alone)
        ]
        assert codes[0] == codes[1]
        for parameters, *_ in own:
            missing = [
                table.station_profiles(station).missing_companions(parameters) for table in (shared, alone)
            ]
            assert missing[0] == missing[1]


def test_stations_of_one_kind_share_their_profiles_and_one_with_rules_of_its_own_does_not():
    parameters = (StationParameter("PM2.5", "ug/m3", range_low=0.0),)

    def station(code, **fields):
        return Station(
            code, code, code, StationType.AMBIENT_AIR, "01", 21.0, 105.8, 300, parameters=parameters, **fields
        )

    registry = Registry(stations={code: station(code) for code in ("A", "B", "C")})
    national = {Scope("national", "", ""): {"status": [Entry({})], "equipment_range": [Entry({})]}}
    own = {Scope("stations", "C", ""): {"zero": [Entry({"after": 60.0})]}}
    expectations = Expectations(registry, FixedRuleBook(RuleSet((), {**national, **own})))
    now = minute(0).timestamp()
    profiles = [
        expectations.station_profiles(code).of_file(["PM2.5"], now, [now])[0] for code in ("A", "B", "C")
    ]
    assert profiles[0] == profiles[1] != profiles[2]


def test_a_replaced_record_holds_from_the_next_file():
    def station(high):
        parameters = (StationParameter("PM2.5", "ug/m3", range_high=high),)
        return Station("A", "A", "A", StationType.STACK, "01", 21.0, 105.8, 300, parameters=parameters)

    registry = Registry(stations={"A": station(10.0)})
    expectations = Expectations(registry, FixedRuleBook())
    time = np.array([minute(0).timestamp()])

    def high():
        profiles = expectations.station_profiles("A").of_file(["PM2.5"], time[0], time.tolist())
        return expectations.thresholds(profiles, time)["equipment_range"]["high"].tolist()

    assert high() == [10.0]
    registry.stations["A"] = station(20.0)
    assert high() == [20.0]
