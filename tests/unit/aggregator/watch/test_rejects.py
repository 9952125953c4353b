"""Alerts about what could not be read, and about files of no station."""

from support.watch import CODE, Watch

LINES, FILES = f"lines-rejected/{CODE}/", "files-unassigned/logger/"


def test_rejected_lines_are_one_alert_a_reason_until_none_came_for_two_hours() -> None:
    watch = Watch()
    number = f"{LINES}value-not-a-number/2026-03-25T05:00:00Z"
    name = f"{LINES}unknown-parameter/2026-03-25T05:05:00Z"
    assert watch.reject(0, "value-not-a-number") == [(number, "opened", 1)]
    assert watch.alerts[-1].detail == (
        "Lines of the station's files give no reading (value-not-a-number), the last in f.txt: Line 1."
    )
    assert (watch.alerts[-1].severity, watch.facts["reason"]) == ("warning", "value-not-a-number")
    assert watch.reject(5, "value-not-a-number", "unknown-parameter") == [(name, "opened", 1)]
    watch.restart()
    assert watch.reject(60, "unknown-parameter") == []
    assert watch.reject(65) == []  # a good file between bad ones
    assert [change[:2] for change in watch.tick(125)] == [(number, "closed")]
    assert [change[:2] for change in watch.tick(180)] == [(name, "closed")]


def test_files_that_are_read_again_without_rejects_close_the_alert_they_opened() -> None:
    watch = Watch()
    opened = f"{LINES}unknown-parameter/2026-03-25T05:00:00Z"
    assert watch.reject(0, "unknown-parameter") == [(opened, "opened", 1)]
    assert watch.reject(5, "unknown-parameter") == []
    assert watch.reject(9, received=0) == []
    assert watch.reject(9, received=5) == [(opened, "closed", 2)]


def test_files_read_again_long_after_they_came_open_nothing() -> None:
    watch = Watch()
    assert watch.reject(0, "unknown-parameter", received=-180) == []


def test_files_of_no_station_are_an_alert_of_their_account_until_they_have_one() -> None:
    watch = Watch()
    opened = f"{FILES}unknown-station/2026-03-25T05:00:00Z"
    assert watch.reject(0, "unknown-station", code="") == [(opened, "opened", 1)]
    alert = watch.alerts[-1]
    assert (alert.station, alert.facts["account"]) == (None, "logger")
    assert watch.reject(5, "ambiguous-station", code="") == [
        (f"{FILES}ambiguous-station/2026-03-25T05:05:00Z", "opened", 1)
    ]
    watch.restart()
    assert watch.reject(8, code="", received=0) == [(opened, "closed", 2)]
    assert len(watch.open()) == 1


def test_a_reject_that_is_no_longer_stored_is_over_at_the_next_comparison() -> None:
    watch = Watch()
    watch.reject(0, "unknown-parameter")
    watch.stored.rejects.clear()
    assert watch.tick(9) == []
    assert [state for _, state, _ in watch.tick(12)] == ["closed"]
