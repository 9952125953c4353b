"""What is open is what is stored: versions, comparison, and nothing told while data pour in."""

from dataclasses import replace

from quantrac.testing.builders import station
from services.aggregator.watch.rules import WatchRules
from support.watch import CODE, EXCEEDED, PARAMETERS, SILENT, Watch, at, counts, exceedance

ENTRY = station(parameters=PARAMETERS)
DAILY = replace(ENTRY, interval_seconds=86400)
LATER = EXCEEDED.replace("T05:00", "T06:00")


def test_an_alert_that_opens_again_after_another_of_its_cause_counts_on() -> None:
    watch = Watch(DAILY)
    assert watch.exceed(exceedance(), 61) == [(EXCEEDED, "opened", 1)]
    watch.exceed(exceedance(2, open=False), 121)
    assert watch.exceed(exceedance(start=60), 122) == [(LATER, "opened", 1)]
    assert watch.exceed(exceedance(2, start=60, periods=0), 123) == [(LATER, "closed", 2)]
    # A correction takes back the end of the first episode: the table shows the alert, for it counts on.
    assert watch.exceed(exceedance(3), 124) == [(EXCEEDED, "opened", 3)]
    assert watch.open() == [EXCEEDED]
    watch.restart()
    watch.exceed(exceedance(4, open=False), 125)
    assert watch.exceed(exceedance(3, start=60), 126) == [(LATER, "opened", 3)]
    assert watch.open() == [LATER]


def test_an_excess_that_has_ended_does_not_go_on_as_a_later_one_because_its_start_was_moved() -> None:
    watch = Watch(DAILY)
    assert watch.exceed(exceedance(), 61) == [(EXCEEDED, "opened", 1)]
    # Late data: the episode began an hour before, and has long ended; another one goes on.
    watch.exceed(exceedance(start=-60, ends_at=at(60), periods=2), 62)
    watch.exceed(exceedance(2, periods=0), 62)
    watch.exceed(exceedance(2, start=-60, ends_at=at(60), periods=2, open=False), 63)
    late = EXCEEDED.replace("T05:00", "T15:00")
    assert watch.open() == []
    assert watch.exceed(exceedance(start=600, ratio=6.0), 661) == [(late, "opened", 1)]
    # Both in one message, as when history pours in.
    again = Watch(DAILY)
    again.exceed(exceedance(), 61)
    again.exceed(exceedance(2, periods=0), 700)
    again.stored.exceedances += [
        (CODE, exceedance(2, start=-60, ends_at=at(60), periods=2, open=False), at(699)),
        (CODE, exceedance(start=600, ratio=6.0), at(699)),
    ]
    again.restart()
    again.tick(700)
    assert again.open() == [late]


def test_what_no_message_said_is_found_at_the_next_comparison() -> None:
    watch = Watch(DAILY)
    assert watch.exceed(exceedance(), 61) == [(EXCEEDED, "opened", 1)]
    watch.stored.exceedances += [
        (CODE, exceedance(2, open=False), at(71)),
        (CODE, exceedance(start=60), at(71)),
    ]
    assert watch.tick(70.9) == []
    assert watch.tick(72) == [(EXCEEDED, "closed", 2)]
    assert watch.tick(121) == [(LATER, "opened", 1)]


def test_an_alert_that_another_hides_or_that_was_never_stored_is_told_again() -> None:
    watch = Watch()
    watch.send(0)
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(20) == [(opened, "opened", 1)]
    stored = watch.stored.alerts_by_id[opened]
    # As a former version left it: closed under a higher version than the one it opened with.
    watch.stored.alerts_by_id[opened] = stored.model_copy(update={"state": "closed", "version": 2})
    assert watch.tick(32) == [(opened, "opened", 3)]
    del watch.stored.alerts_by_id[opened]
    assert [state for _, state, _ in watch.tick(44)] == ["opened"]
    assert watch.open() == [opened]


def test_an_older_alert_stored_as_open_beside_the_present_one_is_closed() -> None:
    watch = Watch(DAILY)
    watch.exceed(exceedance(2, open=False), 0)
    watch.exceed(exceedance(start=60), 121)
    stored = watch.stored.alerts_by_id[LATER]
    older = {"alert_id": EXCEEDED, "opened_at": at(60), "version": 4}
    watch.stored.alerts_by_id[EXCEEDED] = stored.model_copy(update=older)
    watch.restart()
    assert watch.tick(122) == [(EXCEEDED, "closed", 5)]
    assert watch.open() == [LATER]


def test_alerts_that_the_sink_has_not_stored_yet_are_not_taken_for_missing() -> None:
    watch = Watch()
    watch.send(0)
    watch.tick(11)
    watch.stored.behind = True
    opened = f"{SILENT}/2026-03-25T05:20:00Z"
    assert watch.tick(22) == [(opened, "opened", 1)]
    stored = watch.stored.alerts_by_id.pop(opened)
    assert watch.tick(40) == []
    watch.stored.alerts_by_id[opened] = stored
    watch.stored.behind = False
    assert watch.tick(41) == []
    assert watch.open() == [opened]


def test_a_first_upload_of_files_of_the_past_calls_no_station_silent_before_it_has_come() -> None:
    watch = Watch(grace=60)
    for n in range(-312, 0):  # 26 hours of files, 13 a second, the oldest first
        assert [a for a in watch.send(5 * n, received=(312 + n) / 780) if a[0].startswith(SILENT)] == []
    assert watch.tick(1) == []
    opened = [change for change in watch.tick(30) if change[1] == "opened"]
    assert opened == [(f"{SILENT}/2026-03-25T05:15:00Z", "opened", 1)]


def test_a_backlog_that_stops_before_the_present_leaves_the_station_silent_a_minute_later() -> None:
    watch = Watch(grace=60)
    for n in range(-312, -200):
        watch.send(5 * n, received=(312 + n) / 780)
    assert [a for a in watch.tick(1) if a[0].startswith(SILENT)] == []
    assert [a[0] for a in watch.tick(1.5) if a[0].startswith(SILENT)] != []


def test_a_logger_whose_clock_is_behind_is_silent_though_its_files_come() -> None:
    watch = Watch(grace=60)
    told = [a for n in range(5) for a in watch.send(5 * n - 180, received=5 * n)]
    assert [a[0] for a in told if a[0].startswith(SILENT)] == [f"{SILENT}/{at(-155):%Y-%m-%dT%H:%M:%SZ}"]


def test_silence_waits_for_files_of_the_present_and_missing_data_for_all_that_is_on_its_way() -> None:
    watch = Watch(grace=60)
    watch.send(0)
    watch.present.keys.add(CODE)
    assert watch.tick(30) == []
    watch.present.keys.clear()
    assert [a[0] for a in watch.tick(31)] == [f"{SILENT}/2026-03-25T05:20:00Z"]
    day = 24 * 60
    watch.past.keys.add(CODE)
    watch.count(counts(0, 24, 2), day + 20)
    assert watch.tick(day + 22) == []
    watch.past.keys.clear()
    assert watch.tick(day + 22.5) == []
    assert [a[0].split("/")[0] for a in watch.tick(day + 23.2)] == ["data-incomplete"]


def test_missing_data_that_a_replay_brings_back_within_a_minute_are_told_to_nobody() -> None:
    watch = Watch(grace=60)
    day = 24 * 60
    watch.send(0)
    watch.count(counts(0, 24, 12), day)
    watch.send(day + 20)
    for minutes in range(25, 80, 5):
        watch.send(day + minutes)
    watch.count(counts(0, 24, 2), day + 81)
    watch.count(counts(0, 24, 12), day + 81.5)
    assert watch.tick(day + 84) == []
    assert [alert for alert in watch.alerts if alert.kind == "data-incomplete"] == []


def test_while_a_stations_backlog_arrives_nothing_opens_about_its_past() -> None:
    rules = WatchRules(backlog_files=3)
    watch = Watch(DAILY, rules=rules, grace=60)
    for n in range(-400, -300):
        watch.send(60 * n, received=(400 + n) / 4)  # for 25 minutes
        if n == -390:
            watch.exceed(exceedance(start=60 * n), (400 + n) / 4)
    assert {alert.kind for alert in watch.alerts} == {"backlog-arriving"}
    watch.tick(36)
    watch.tick(37)
    watch.tick(38.5)
    assert "limit-exceeded" in {alert.kind for alert in watch.alerts}
