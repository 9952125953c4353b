"""When alerts open, change and close: a scenario for each cause, restarts, and any order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.limits import Limit
from quantrac.domain.periods import Period
from quantrac.domain.readings import Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Interval, StampMeaning, StationParameter, WarningLevels
from quantrac.domain.stamps import Stamps
from quantrac.domain.times import to_whole_seconds
from quantrac.domain.warning_levels import WarningShares
from quantrac.io.clickhouse import ClickHouseAway
from quantrac.io.records import NotNow, Record
from quantrac.testing.builders import station
from schemas.examples import example
from schemas.messages.alerts import Alert
from services.aggregator.watch.causes.exceedance import Episode
from services.aggregator.watch.causes.warning import level_of
from services.aggregator.watch.levels import levels_of
from services.aggregator.watch.rules import WatchRules
from support.effort import examples
from support.watch import CODE, EXCEEDED, PARAMETERS, SILENT, START, Watch, at, counts, exceedance

ENTRY = station(parameters=PARAMETERS)


def maintenance(start: float, end: float, *parameters: str) -> Decision:
    return Decision(
        "maintenance-1", CODE, at(start), at(end), Flag.NOT_EVALUATED, "registry", "pump", START, parameters
    )


def minutes_to(year: int) -> float:
    """Return the minutes from the start to five minutes past the beginning of a year."""
    return (datetime(year, 1, 1, 0, 5, tzinfo=UTC) - START).total_seconds() / 60


def write_time(minutes: float) -> str:
    return f"{at(minutes):%Y-%m-%dT%H:%M:%SZ}"


# station-silent


def test_a_station_is_silent_an_interval_and_the_grace_after_its_last_reading_until_the_next() -> None:
    watch = Watch()
    assert watch.send(0) == []
    assert watch.tick(19.9) == []
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(20) == [(opened, "opened", 1)]
    assert (
        watch.alerts[-1].detail
        == "Nothing received since 2026-03-25T12:00:00+07:00; a file is due every 5 minutes."
    )
    assert watch.facts == {"last_at": "2026-03-25T05:00:00Z", "interval_minutes": 5, "grace_minutes": 15}
    assert watch.tick(300) == []
    assert watch.send(301) == [(opened, "closed", 2)]
    assert watch.tick(321) == [(f"{SILENT}/2026-03-25T10:21:00Z", "opened", 1)]


def test_a_mean_stamped_with_its_start_is_waited_for_until_it_is_made() -> None:
    hourly = replace(ENTRY, interval_seconds=3600)
    at_start = Watch(replace(hourly, stamps=(StampMeaning(Stamps.START),)))
    at_start.send(-60, received=0)
    assert at_start.tick(74.9) == []
    assert at_start.tick(75) == [(f"{SILENT}/2026-03-25T06:15:00Z", "opened", 1)]
    at_end = Watch(replace(hourly, stamps=(StampMeaning(Stamps.END),)))
    at_end.send(0)
    assert at_end.tick(74.9) == []
    assert at_end.tick(75) == [(f"{SILENT}/2026-03-25T06:15:00Z", "opened", 1)]


def test_a_mean_stamped_with_its_start_is_not_late_for_having_been_made_after_its_stamp() -> None:
    entry = replace(ENTRY, interval_seconds=3600)
    instants = Watch(entry)
    assert instants.send(-60, received=1, PM25=60.0) == []
    at_start = Watch(replace(entry, stamps=(StampMeaning(Stamps.START),)))
    (opened,) = at_start.send(-60, received=1, PM25=60.0)
    assert opened[0].startswith("warning-level/")


def test_the_example_of_the_contract_is_what_watch_tells() -> None:
    watch = Watch(replace(ENTRY, code="HN_DEMO_KHI001"))
    watch.now = at(-300)  # 00:00 UTC
    watch.send(-295, received=-295, code="HN_DEMO_KHI001")
    watch.now = at(-275)
    watch.take()
    published, expected = watch.alerts[-1], Alert.model_validate_json(example("alert.json"))
    assert published.model_copy(update={"changed_at": expected.changed_at}) == expected


def test_a_backlog_does_not_make_a_station_look_alive() -> None:
    watch = Watch()
    watch.send(0)
    assert watch.tick(20) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]
    assert watch.send(-60, received=25) == []


def test_a_backlog_that_trickles_in_oldest_first_is_one_silence_until_the_station_is_up_to_date() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=60))
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:16:00Z"
    assert watch.tick(16) == [(opened, "opened", 1)]
    for n in range(1, 15):  # a file every 11 seconds; the last one is still 17 minutes old
        assert watch.send(n, received=28 + 11 * n / 60) == []
        watch.restart()
    assert watch.send(15, received=30.75) == [(opened, "closed", 2)]
    for n in range(16, 34):
        assert watch.send(n, received=28 + 11 * n / 60) == []
    assert watch.tick(49) == [(f"{SILENT}/2026-03-25T05:49:00Z", "opened", 1)]


def test_a_backlog_that_ends_before_the_present_leaves_the_station_silent_under_its_alert() -> None:
    watch = Watch()
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(20) == [(opened, "opened", 1)]
    assert watch.send(30, received=120) == []
    assert watch.tick(300) == []
    assert watch.open() == [opened]


def test_a_prompt_file_that_came_while_watch_was_away_ends_one_silence_and_begins_another() -> None:
    watch = Watch()
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(20) == [(opened, "opened", 1)]
    watch.stored.readings.append((CODE, "NO2", to_whole_seconds(at(60)), 120))
    watch.restart()
    assert watch.tick(90) == [(opened, "closed", 2), (f"{SILENT}/2026-03-25T06:20:00Z", "opened", 1)]


def test_a_logger_whose_clock_is_days_ahead_is_silent_when_its_files_stop() -> None:
    watch = Watch()
    watch.send(5 * 1440, received=0)
    assert watch.tick(20) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]


CLOCK_RESETS = [minutes_to(year) for year in (1990, 2000, 2016)]


@pytest.mark.parametrize("reset", CLOCK_RESETS)
def test_files_of_a_clock_that_lost_its_power_open_nothing_and_are_not_the_first_of_a_station(
    reset: float,
) -> None:
    watch = Watch()
    for number in range(40):
        assert watch.send(reset + 5 * number, received=number / 4) == []
    assert watch.tick(3000) == []
    watch.restart()
    assert watch.tick(3001) == []
    # The station is first heard now, and looked at from now on.
    assert watch.send(3010) == []
    assert watch.tick(3025) == []
    assert watch.tick(3030) == [(f"{SILENT}/{write_time(3030)}", "opened", 1)]


@pytest.mark.parametrize("reset", CLOCK_RESETS)
def test_a_file_of_a_reset_clock_makes_nothing_of_what_a_station_sends_else(reset: float) -> None:
    watch = Watch()
    watch.send(0)
    assert watch.send(reset, received=1, PM25=10.0, CO=3.0) == []
    for minutes in range(5, 90, 5):
        assert watch.send(minutes) == []


def test_a_day_older_than_a_logger_keeps_is_watched_no_more_and_a_day_younger_is() -> None:
    watch = Watch(replace(ENTRY, valid_from=START))
    watch.send(-61 * 1440, received=0)
    assert watch.tick(20) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]
    assert "became valid" in watch.alerts[-1].detail
    other = Watch(ENTRY)
    opened = f"{SILENT}/{write_time(20 - 59 * 1440)}"
    assert (opened, "opened", 1) in other.send(-59 * 1440, received=0)


def test_a_clock_set_back_and_forth_opens_what_held_and_closes_what_does_not() -> None:
    watch = Watch()
    watch.send(0)
    watch.now = at(600)
    watch.take()
    assert watch.open() == [f"{SILENT}/2026-03-25T05:20:00Z"]
    watch.now = at(5)
    watch.take()
    assert watch.open() == []


def test_a_station_never_heard_counts_from_its_validity_and_without_one_from_its_first_reading() -> None:
    dated, undated = replace(ENTRY, valid_from=START), replace(ENTRY, code="UNDATED")
    watch = Watch(dated, undated)
    assert watch.tick(20) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]
    assert "became valid at 2026-03-25T12:00:00+07:00" in watch.alerts[-1].detail
    assert watch.tick(100_000) == []


def test_the_interval_of_the_last_reading_counts() -> None:
    hourly = Interval(seconds=3600, valid_to=at(1))
    watch = Watch(replace(ENTRY, intervals=(hourly,)))
    watch.send(0)
    assert watch.tick(74) == []
    assert watch.tick(75) == [(f"{SILENT}/2026-03-25T06:15:00Z", "opened", 1)]


def test_a_longer_interval_that_begins_after_the_last_reading_is_waited_for() -> None:
    watch = Watch(replace(ENTRY, intervals=(Interval(seconds=3600, valid_from=at(3)),)))
    watch.send(0)
    assert watch.tick(74) == []
    assert watch.tick(75) == [(f"{SILENT}/2026-03-25T06:15:00Z", "opened", 1)]


def test_maintenance_closes_and_after_it_the_station_has_its_time_again() -> None:
    watch = Watch(replace(ENTRY, maintenance=(maintenance(30, 60),)))
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(20) == [(opened, "opened", 1)]
    assert watch.tick(30) == [(opened, "closed", 2)]
    assert watch.alerts[-1].detail == "Maintenance has begun."
    assert watch.tick(79) == []
    assert watch.tick(80) == [(f"{SILENT}/2026-03-25T06:20:00Z", "opened", 1)]


def test_a_station_that_is_taken_out_closes_and_put_back_goes_on_under_its_id() -> None:
    watch = Watch()
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    watch.tick(20)
    entry = watch.registry.stations.pop(CODE)
    assert watch.tick(30) == [(opened, "closed", 2)]
    watch.registry.stations[CODE] = entry
    watch.restart()
    assert watch.tick(31) == [(opened, "opened", 3)]
    watch.registry.stations[CODE] = replace(entry, valid_to=at(32))
    assert watch.tick(33) == [(opened, "closed", 4)]


def test_silence_is_not_judged_while_messages_are_behind_or_have_just_come_through() -> None:
    watch = Watch(grace=60)
    watch.send(0)
    watch.assign(is_caught_up=False)
    assert watch.tick(60) == []
    watch.assign()
    assert watch.tick(60.5) == []
    assert watch.tick(61.5) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]


# parameter-silent


def test_a_parameter_that_stays_out_while_others_come_is_silent_by_the_times_of_the_data() -> None:
    watch = Watch()
    watch.send(0)
    for minutes in range(5, 65, 5):
        assert watch.send(minutes, PM25=10.0) == []
    opened = f"parameter-silent/{CODE}/NO2/2026-03-25T06:05:00Z"
    assert watch.send(65, PM25=10.0) == [(opened, "opened", 1)]
    assert watch.alerts[-1].parameter == "NO2"
    assert watch.send(70) == [(opened, "closed", 2)]


def test_a_parameter_of_a_silent_station_is_not_told_beside_it() -> None:
    watch = Watch()
    watch.send(0)
    watch.send(5, PM25=10.0)
    assert watch.tick(600) == [(f"{SILENT}/2026-03-25T05:25:00Z", "opened", 1)]


def test_a_parameter_whose_backlog_trickles_in_is_one_alert_until_it_has_caught_up() -> None:
    watch = Watch()
    watch.send(0)
    for minutes in range(5, 125, 5):
        watch.send(minutes, PM25=10.0)
    opened = f"parameter-silent/{CODE}/NO2/2026-03-25T06:05:00Z"
    assert watch.open() == [opened]
    states = [state for n in range(5, 60, 5) for state in watch.send(n, received=120, NO2=5.0)]
    assert states == []
    watch.restart()
    assert watch.send(60, received=120, NO2=5.0) == [(opened, "closed", 2)]


def test_the_backlog_of_one_parameter_after_the_other_opens_nothing_about_the_one_that_waits() -> None:
    watch = Watch()
    watch.send(0)
    watch.tick(400)
    states = [
        state
        for name in ("PM25", "NO2")
        for n in range(5, 300, 5)
        for state in watch.send(n, received=400, **{name: 5.0})
    ]
    assert [alert_id for alert_id, _, _ in states if alert_id.startswith("parameter")] == []


def test_a_parameter_outside_its_validity_or_under_maintenance_is_not_asked_for() -> None:
    no2 = replace(PARAMETERS[1], valid_to=START)
    ended = Watch(replace(ENTRY, parameters=(PARAMETERS[0], no2)))
    kept = Watch(replace(ENTRY, maintenance=(maintenance(0, 120, "NO2"),)))
    for watch in (ended, kept):
        watch.send(-5)
        for minutes in range(0, 120, 5):
            watch.send(minutes, PM25=10.0)
    assert kept.alerts == []
    # Not in force, but it came within the last day: asked for until that is over.
    assert ended.open() == [f"parameter-silent/{CODE}/NO2/2026-03-25T06:00:00Z"]
    for minutes in range(120, 1500, 15):
        ended.send(minutes, PM25=10.0)
    assert [each for each in ended.open() if "NO2" in each] == []


# data-incomplete


def test_a_day_with_too_few_readings_opens_and_needs_a_margin_to_close() -> None:
    watch = Watch()
    watch.send(0)
    day = 24 * 60
    watch.send(day + 10)
    assert watch.count(counts(0, 24, 8), day + 10) == []  # the day is not over by the grace
    opened = f"data-incomplete/{CODE}/2026-03-26T05:00:00Z"
    watch.send(day + 15)
    assert watch.alerts[-1].alert_id == opened
    assert (watch.facts["counted"], watch.facts["expected"]) == (2 * 24 * 8, 2 * 24 * 12)
    assert watch.count(counts(0, 24, 9) | {("NO2", 23): 11}, day + 16) == []  # 0.753
    assert watch.count(counts(0, 24, 10), day + 17) == [(opened, "closed", 2)]


def test_a_station_is_not_incomplete_before_its_first_day_is_over() -> None:
    watch = Watch()
    for hour in range(24):
        watch.send(hour * 60 + 14)
        watch.send(hour * 60 + 29)
    assert [alert.kind for alert in watch.alerts if alert.kind == "data-incomplete"] == []
    watch.send(25 * 60 + 14)
    watch.send(25 * 60 + 29)
    assert watch.alerts[-1].kind == "data-incomplete"


def test_hours_of_maintenance_are_not_expected() -> None:
    watch = Watch(replace(ENTRY, maintenance=(maintenance(0, 12 * 60), maintenance(0, 18 * 60, "NO2"))))
    watch.send(0)
    watch.count(counts(12, 24, 8), 24 * 60)
    watch.send(24 * 60 + 15)
    assert watch.facts["expected"] == (12 + 6) * 12


# analyser-stuck


def test_a_stuck_analyser_is_told_until_each_test_that_doubted_it_is_good() -> None:
    watch = Watch()
    assert watch.send(0, PM25={"tests": {"flat_line": 2, "stuck": 2}}) == []
    opened = f"analyser-stuck/{CODE}/PM2.5/2026-03-25T05:05:00Z"
    assert watch.send(5, PM25={"flag": 3, "tests": {"flat_line": 3, "stuck": 3}}) == [(opened, "opened", 1)]
    assert watch.facts["tests"] == "flat_line, stuck"
    assert watch.send(10, PM25={"flag": 3, "tests": {"flat_line": 1, "stuck": 2}}) == []
    watch.restart()
    assert watch.send(15, PM25={"flag": 3, "tests": {"flat_line": 2, "stuck": 3}}) == []
    assert watch.send(20, PM25={"tests": {"flat_line": 1, "stuck": 1}}) == [(opened, "closed", 2)]


@pytest.mark.parametrize("status", ["01", "02"])
def test_a_device_that_shows_no_signal_neither_frees_a_stuck_analyser_nor_is_one(status: str) -> None:
    watch = Watch()
    opened = f"analyser-stuck/{CODE}/PM2.5/2026-03-25T05:00:00Z"
    assert watch.send(0, PM25={"flag": 3, "tests": {"flat_line": 3}}) == [(opened, "opened", 1)]
    off = {"status": status, "flag": 4, "tests": {"status": 4, "flat_line": 1, "stuck": 1}}
    assert watch.send(5, PM25=off) == []
    assert watch.send(10, PM25={"flag": 3, "tests": {"flat_line": 3}}) == []
    assert watch.send(15) == [(opened, "closed", 2)]
    assert watch.send(20, PM25={**off, "tests": {"status": 4, "flat_line": 3}}) == []


def test_a_revision_of_the_newest_reading_counts_and_of_an_older_one_does_not() -> None:
    watch = Watch()
    doubted: dict[str, Any] = {"flag": 4, "tests": {"flat_line": 4}}
    opened = f"analyser-stuck/{CODE}/PM2.5/2026-03-25T05:00:00Z"
    assert watch.send(0, PM25=doubted) == [(opened, "opened", 1)]
    assert watch.send(0, revision=1) == [(opened, "closed", 2)]
    assert watch.send(0, PM25=doubted) == [], "an older judgement"
    assert watch.send(0, revision=2, PM25=doubted) == [(opened, "opened", 3)]
    assert watch.send(5) == [(opened, "closed", 4)]
    assert watch.send(0, revision=3, PM25=doubted) == [], "an older reading"


# limit-exceeded


def test_an_exceedance_is_told_when_its_first_average_is_over_again_when_it_grows_and_when_it_ends() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    assert watch.exceed(exceedance(), 45) == []
    assert watch.tick(60) == [(EXCEEDED, "opened", 1)]
    assert (watch.alerts[-1].severity, watch.alerts[-1].opened_at) == ("critical", at(60))
    assert watch.alerts[-1].detail == (
        "The hour average of PM2.5 is beyond a maximum of 50 µg/m3 (QCVN 05:2023/BTNMT) since"
        " 2026-03-25T12:00:00+07:00; peak 60 µg/m3, 1.20 times the limit."
    )
    assert watch.exceed(exceedance(2, ratio=1.205, periods=2), 125) == []
    assert watch.exceed(exceedance(3, ratio=1.4, periods=3), 185) == [(EXCEEDED, "updated", 2)]
    watch.restart()
    assert watch.tick(186) == []
    assert watch.exceed(exceedance(4, ratio=1.4, periods=3, open=False), 245) == [(EXCEEDED, "closed", 3)]
    assert watch.exceed(exceedance(3, ratio=1.4, periods=3), 246) == [], "told before"


def test_a_withdrawn_exceedance_closes_and_one_that_is_over_when_it_comes_opens_nothing() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    assert watch.exceed(exceedance(start=-9000, open=False), 0) == []
    assert watch.exceed(exceedance(), 61) == [(EXCEEDED, "opened", 1)]
    assert watch.exceed(exceedance(2, periods=0), 62) == [(EXCEEDED, "closed", 2)]
    assert watch.exceed(exceedance(start=60), 121) == [(EXCEEDED.replace("T05:00", "T06:00"), "opened", 1)]


def test_episodes_of_a_backlog_that_end_as_it_comes_open_nothing_and_one_that_stays_opens_later() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    for hour in range(-12, -2, 2):
        assert watch.exceed(exceedance(start=60 * hour), 0) == []
        assert watch.exceed(exceedance(2, start=60 * hour, open=False), 0.2) == []
    assert watch.exceed(exceedance(start=-120), 0.4) == []
    assert watch.exceed(exceedance(2, start=-120, periods=1, ratio=1.3), 5) == []
    watch.restart()
    assert watch.tick(10.3) == []
    opened = EXCEEDED.replace("T05:00", "T03:00")
    assert watch.tick(10.4) == [(opened, "opened", 1)]
    watch.restart()
    assert watch.tick(11) == []


def test_late_data_that_move_the_start_of_an_episode_leave_its_alert_open_under_its_id() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    assert watch.exceed(exceedance(), 60) == [(EXCEEDED, "opened", 1)]
    for n, start in enumerate((-60, -120, -180)):  # the backlog comes newest first
        longer = exceedance(start=start, ends_at=at(60), periods=2 + n)
        before = exceedance(2, start=start + 60, periods=0)
        assert watch.exceed(longer, 61 + n) == []
        assert watch.exceed(before, 61 + n) == []
        watch.restart()
    assert watch.open() == [EXCEEDED]
    more = exceedance(2, start=-180, ends_at=at(120), periods=5, ratio=1.5)
    assert watch.exceed(more, 121) == [(EXCEEDED, "updated", 2)]
    assert watch.facts["starts_at"] == "2026-03-25T02:00:00Z"
    assert watch.exceed(exceedance(3, start=-180, ends_at=at(120), open=False), 181) == [
        (EXCEEDED, "closed", 3)
    ]


def test_corrections_that_take_an_episode_from_its_start_leave_its_alert_open_under_its_id() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    assert watch.exceed(exceedance(ends_at=at(240), periods=4), 240) == [(EXCEEDED, "opened", 1)]
    for start in (60, 120, 180):
        assert watch.exceed(exceedance(start=start, ends_at=at(240)), 241) == []
        assert watch.exceed(exceedance(2, start=start - 60, periods=0), 241) == []
        watch.restart()
    assert watch.exceed(exceedance(2, start=180, periods=0), 242) == [(EXCEEDED, "closed", 2)]


def test_an_excess_that_goes_on_after_a_gap_is_one_alert_until_it_ends() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=86400))
    assert watch.exceed(exceedance(), 60) == [(EXCEEDED, "opened", 1)]
    assert watch.exceed(exceedance(start=120), 181) == []
    assert watch.exceed(exceedance(2, start=120, open=False), 240) == []
    assert watch.exceed(exceedance(2, open=False), 240) == [(EXCEEDED, "closed", 2)]


@pytest.mark.parametrize(
    ("period", "starts", "over"),
    [
        ("8h", "2026-03-25T05:00:00Z", "2026-03-25T13:00:00+00:00"),
        ("day", "2026-03-24T17:00:00Z", "2026-03-25T17:00:00+00:00"),
        ("month", "2026-01-31T17:00:00Z", "2026-02-28T17:00:00+00:00"),
        ("month", "2025-12-31T17:00:00Z", "2026-01-31T17:00:00+00:00"),
        ("year", "2025-12-31T17:00:00Z", "2026-12-31T17:00:00+00:00"),
    ],
)
def test_the_first_average_is_over_on_vietnams_calendar(period: str, starts: str, over: str) -> None:
    start = type(START).fromisoformat(starts)
    episode = Episode(exceedance(period=period, starts_at=start), 0, known_at=0)
    assert type(START).fromtimestamp(episode.first_end, START.tzinfo).isoformat() == over


# warning-level


def test_a_value_that_moves_about_a_level_is_one_alert() -> None:
    watch = Watch()
    states = [state for n in range(100) for state in watch.send(5 * n, PM25=39.9 + 0.2 * (n % 2), NO2=5.0)]
    opened = f"warning-level/{CODE}/PM2.5/2026-03-25T05:05:00Z"
    assert states == [(opened, "opened", 1)]


def test_the_level_rises_at_once_and_falls_after_half_an_hour_below_it() -> None:
    watch = Watch()
    opened = f"warning-level/{CODE}/PM2.5/2026-03-25T05:00:00Z"
    assert watch.send(0, PM25=40.0) == [(opened, "opened", 1)]
    assert watch.send(5, PM25=55.0) == [(opened, "updated", 2)]
    assert [alert.severity for alert in watch.alerts] == ["info", "critical"]
    assert (
        watch.alerts[-1].detail == 'PM2.5 is at the level "exceeded": 55 µg/m3 at 2026-03-25T12:05:00+07:00.'
    )
    assert watch.send(30, PM25=46.0) == []
    assert watch.send(35, PM25=46.0) == [(opened, "updated", 3)]
    assert watch.alerts[-1].severity == "warning"
    assert watch.send(60, PM25=1.0) == []
    assert watch.send(65, PM25=1.0) == [(opened, "closed", 4)]
    assert watch.alerts[-1].detail == "No value has reached a warning level for 30 minutes."


def test_after_a_restart_a_level_falls_when_it_would_have_without_one() -> None:
    watch = Watch()
    opened = f"warning-level/{CODE}/PM2.5/2026-03-25T05:00:00Z"
    watch.send(0, PM25=40.0)
    watch.send(15, PM25=1.0)
    watch.restart()
    assert watch.tick(15) == []
    assert watch.send(25, PM25=1.0) == []
    watch.restart()
    assert watch.send(30, PM25=1.0) == [(opened, "closed", 2)]
    assert watch.alerts[-1].detail == "No value has reached a warning level for 30 minutes."


def test_a_level_that_is_over_by_the_time_a_short_backlog_has_come_warns_nobody() -> None:
    watch = Watch(grace=60)
    watch.send(-60)
    watch.tick(-55)
    for n in range(-55, 5, 5):  # the line is back: what is up to 55 minutes old, within seconds
        assert watch.send(n, received=0.1, PM25=60.0 if n < -40 else 1.0) == []
    assert watch.tick(2) == []
    assert watch.send(5, PM25=60.0) == [(f"warning-level/{CODE}/PM2.5/2026-03-25T05:05:00Z", "opened", 1)]


def test_a_late_reading_that_was_at_a_level_before_moves_no_alert() -> None:
    watch = Watch()
    opened = f"warning-level/{CODE}/PM2.5/2026-03-25T05:05:00Z"
    assert watch.send(5, PM25=45.0) == [(opened, "opened", 1)]
    assert watch.send(0, received=8, PM25=45.0) == []
    assert watch.send(5, revision=1, PM25={"value": 45.0, "flag": 3}) == []
    assert watch.send(0, received=8, revision=1, PM25={"value": 45.0, "flag": 3}) == [(opened, "closed", 2)]


def test_an_hourly_value_at_a_level_is_one_alert_until_the_next_that_is_not() -> None:
    watch = Watch(replace(ENTRY, interval_seconds=3600))
    opened = f"warning-level/{CODE}/PM2.5/2026-03-25T05:00:00Z"
    states = [watch.send(60 * n, PM25=45.0 if n in (0, 1, 3) else 1.0) for n in range(5)]
    again = f"warning-level/{CODE}/PM2.5/2026-03-25T08:00:00Z"
    closed = [(opened, "closed", 2)]
    assert states == [[(opened, "opened", 1)], [], closed, [(again, "opened", 1)], [(again, "closed", 2)]]


@settings(max_examples=examples(30), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from([1.0, 41.0, 46.0, 51.0])), min_size=1, max_size=14
    ),
    st.randoms(use_true_random=False),
    st.sets(st.integers(0, 13)),
)
def test_the_level_is_the_same_whatever_the_order_and_wherever_watch_was_restarted(
    values: list[tuple[int, float]], random: Any, restarts: set[int]
) -> None:
    readings = dict(values)  # by the number of five minutes
    newest = max(readings)
    held = [level_of(v, PARAMETERS[0].warning_levels) for n, v in readings.items() if newest - n < 6]
    order = list(readings)
    random.shuffle(order)
    watch = Watch(grace=60)
    for number, n in enumerate(order):
        watch.send(5 * n, received=56, PM25=readings[n])
        if number in restarts:
            watch.restart()
    watch.tick(60)
    watch.tick(62)
    alerts = [alert for alert in watch.stored.alerts_by_id.values() if alert.kind == "warning-level"]
    assert [alert.state for alert in alerts] == (["opened"] if any(held) else [])
    assert [alert.facts["level"] for alert in alerts] == (
        [["", "tendency", "preparing", "exceeded"][max(held)]] if any(held) else []
    )


def test_bad_readings_those_of_a_calibration_and_late_ones_warn_nobody() -> None:
    watch = Watch()
    assert watch.send(0, PM25={"value": 99.0, "flag": 3}) == []
    assert watch.send(5, PM25={"value": 99.0, "status": "01"}) == []
    states = watch.send(6, received=66, PM25=99.0)
    assert [state for state in states if state[0].startswith("warning")] == []


def test_levels_are_the_registrys_else_shares_of_the_limit_in_the_same_unit() -> None:
    class Book:
        def limits_of(self, *_: object) -> tuple[Limit, ...]:
            return (
                Limit("NO2", Period.HOUR, "µg/m3", "QCVN", maximum=200.0),
                Limit("SO2", Period.HOUR, "ppm", "QCVN", maximum=1.0),
            )

    entry = replace(ENTRY, parameters=(*PARAMETERS, StationParameter("SO2", "µg/m3")))
    found = levels_of(Book(), WarningShares(0.8, 0.9, 1.0))(entry, START)  # type: ignore[arg-type]
    assert found == {
        ("PM2.5", "µg/m3"): WarningLevels(40.0, 45.0, 50.0),
        ("NO2", "µg/m3"): WarningLevels(160.0, 180.0, 200.0),
    }


def test_a_level_that_counts_downwards_is_reached_from_above() -> None:
    oxygen = WarningLevels(5.0, 4.4, 4.0)
    assert [level_of(value, oxygen) for value in (5.1, 5.0, 4.4, 3.0)] == [0, 1, 2, 3]
    assert [level_of(value, WarningLevels(exceeded=40.0)) for value in (39.0, 40.0)] == [0, 3]


def test_a_value_beyond_a_limit_of_the_method_reaches_a_level_only_for_sure() -> None:
    rising, falling = WarningLevels(40.0, 45.0, 50.0), WarningLevels(5.0, 4.4, 4.0)
    assert [level_of(55.0, rising, qualifier) for qualifier in ("<", ">")] == [0, 3]
    assert [level_of(3.0, falling, qualifier) for qualifier in ("<", ">")] == [3, 0]


# backlog-arriving


def test_many_late_files_within_minutes_are_one_backlog_until_none_comes() -> None:
    watch = Watch()
    watch.send(0)
    for n in range(12):
        assert watch.send(-600 + 5 * n, received=1 + n / 10) == []
    opened = f"backlog-arriving/{CODE}/2026-03-25T05:02:12Z"
    assert watch.send(-540, received=2.2) == [(opened, "opened", 1)]
    assert watch.send(-535, received=8) == []
    watch.restart()
    assert watch.send(9) == []
    assert watch.tick(18.9) == []
    assert watch.tick(19) == [(opened, "closed", 2)]


def test_a_backlog_that_comes_within_seconds_is_one_for_each_station_it_is_true_of() -> None:
    stations = [replace(ENTRY, code=code) for code in ("KPHU", "SDAY", "TDIEP", "HOALU")]
    watch = Watch(*stations)
    for n in range(300):
        for number, entry in enumerate(stations):
            watch.send(5 * n - 1560, received=(n + number / 4) / 1800, code=entry.code)  # 300 in 10 seconds
    backlogs = {alert.station for alert in watch.alerts if alert.kind == "backlog-arriving"}
    assert backlogs == {entry.code for entry in stations}


def test_late_files_now_and_then_are_no_backlog() -> None:
    watch = Watch()
    states = [state for n in range(100) for state in watch.send(n - 600, received=n)]
    assert [state for state in states if state[0].startswith("backlog")] == []


# the handler


def test_what_is_no_message_becomes_a_dead_letter_and_sets_without_a_station_are_passed_over() -> None:
    watch = Watch()
    watch.take(Record("qa-flagged", b"x", b"{"), Record("aggregated", b"x", b'{"station": 1}'))
    assert len(watch.dead) == 2
    assert watch.send(0, code="") == []


def test_stations_of_other_members_are_theirs() -> None:
    other = replace(ENTRY, code="OTHER")
    watch = Watch(ENTRY, other)
    watch.assign(is_assigned=lambda key: key == b"OTHER")
    watch.send(0)
    watch.send(0, code="OTHER")
    assert watch.tick(20) == [("station-silent/OTHER/2026-03-25T05:20:00Z", "opened", 1)]
    watch.assign(generation=1, is_assigned=lambda key: key == CODE.encode())
    assert watch.tick(21) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]


def test_nothing_is_judged_before_the_sink_has_stored_what_was_told() -> None:
    watch = Watch()
    watch.stored.behind = True
    assert isinstance(watch.take(), NotNow)
    watch.stored.behind = False
    assert watch.tick(0) == []


def test_a_clickhouse_that_is_away_delays_the_start_only(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()

    def away(*_: object) -> None:
        raise ClickHouseAway("nobody answers")

    with monkeypatch.context() as patched:
        patched.setattr(watch.stored, "columns", away)
        assert watch.take() == NotNow("ClickHouse: nobody answers", 2.0)
    watch.send(0)
    monkeypatch.setattr(watch.stored, "columns", away)
    assert watch.tick(20) == [(f"{SILENT}/2026-03-25T05:20:00Z", "opened", 1)]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "late", "other", "doubted", "high", "exceed", "end", "tick", "restart"]),
        st.integers(0, 40),
    ),
    max_size=40,
)


@settings(max_examples=examples(60))
@given(EVENTS)
def test_whatever_comes_there_is_one_open_alert_a_cause_and_what_ended_is_closed(
    events: list[tuple[str, int]],
) -> None:
    rules = WatchRules(backlog_files=2)
    watch, minutes, versions = Watch(rules=rules), 0, count(1)
    for event, passed in events:
        minutes += passed
        match event:
            case "send":
                watch.send(minutes)
            case "late":
                watch.send(minutes - 200 + passed, received=minutes)
            case "other":
                watch.send(minutes, PM25=10.0)
            case "doubted":
                watch.send(minutes, PM25={"flag": 3, "tests": {"stuck": 3}})
            case "high":
                watch.send(minutes, PM25=40.0 + passed)
            case "exceed":
                watch.exceed(exceedance(next(versions), ratio=1 + passed / 10), minutes)
            case "end":
                watch.exceed(exceedance(next(versions), open=False), minutes)
            case "tick":
                watch.tick(minutes)
            case "restart":
                watch.tick(minutes)
                before, number = watch.open(), len(watch.alerts)
                watch.restart()
                watch.tick(minutes)
                assert (watch.open(), len(watch.alerts)) == (before, number)
        causes = [
            (alert.kind, alert.parameter)
            for alert in watch.stored.alerts_by_id.values()
            if alert.state != "closed"
        ]
        assert len(causes) == len(set(causes))
    watch.exceed(exceedance(next(versions), open=False), minutes)
    for _ in range(20):
        minutes += 5
        watch.send(minutes)
    assert watch.open() == []
    of_id: dict[str, list[tuple[int, str]]] = {}
    for alert in watch.alerts:
        of_id.setdefault(alert.alert_id, []).append((alert.version, alert.state))
    for states in of_id.values():
        assert [version for version, _ in states] == list(range(1, len(states) + 1))
        assert states[0][1] == "opened"
        assert states[-1][1] == "closed"


@settings(max_examples=examples(40))
@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_silence_is_the_same_whatever_the_order_and_wherever_watch_was_restarted(
    order: list[int], restarts: set[int]
) -> None:
    watch = Watch()
    watch.now = at(40)
    for number, place in enumerate(order):
        watch.now = at(40)
        watch.assign(is_caught_up=number == len(order) - 1)
        watch.send(5 * place, received=40)
        if number in restarts:
            watch.restart()
    watch.tick(60)
    assert watch.open() == [f"{SILENT}/{START + timedelta(minutes=55):%Y-%m-%dT%H:%M:%SZ}"]


@pytest.mark.parametrize("restarts", [False, True])
def test_imported_history_opens_no_alert_of_silence_exceedance_or_backlog(restarts: bool) -> None:
    watch = Watch()
    for minutes in range(0, 600, 30):
        assert watch.send(minutes, received=2000 + minutes / 1000, transport="import") == []
    if restarts:
        watch.restart()
    assert watch.exceed(exceedance(periods=2), 2002) == []
    for minutes in range(2010, 6000, 300):
        assert watch.tick(minutes) == []


def test_what_is_exceeded_after_history_ended_opens_an_alert() -> None:
    watch = Watch()
    watch.send(0, received=2000, transport="import")
    assert watch.exceed(exceedance(start=60), 2121) == []  # it may be over: it lies back
    assert [state for _, state, _ in watch.tick(2150)] == ["opened"]
