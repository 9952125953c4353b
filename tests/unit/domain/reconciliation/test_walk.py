"""The steps from a year to a row: whatever differs is found, and little else is asked for."""

import hashlib
from datetime import UTC, datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from quantrac.domain.ids import reading_version
from quantrac.domain.reconciliation.differences import Difference, Kind, RowDigest, RowKey, Subject
from quantrac.domain.reconciliation.levels import Level, count_periods, period_end, period_start
from quantrac.domain.reconciliation.walk import Walk, join_periods
from support.digest_sources import MemorySource, Rows

START = datetime(2025, 10, 31, 17, tzinfo=UTC)
END = START + timedelta(days=430)
STATIONS = ("A", "B", "C")


def row(station: str, key: RowKey, version: int) -> RowDigest:
    text = f"{station}{key}{version}".encode()
    return RowDigest(version, int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))


def all_rows() -> Rows:
    """Return a reading every eleven hours of two parameters."""
    rows: Rows = {}
    for station in STATIONS:
        for step in range(int((END - START) / timedelta(hours=11))):
            for name in ("CO", "NO2"):
                key = RowKey(START + step * timedelta(hours=11), name, "")
                rows[station, key] = row(station, key, reading_version(key.time + timedelta(minutes=1)))
    return rows


ROWS = all_rows()
KEYS = sorted(ROWS)
CHANGES = st.dictionaries(
    st.integers(0, len(KEYS) - 1), st.sampled_from(["lost", "only", "older", "newer", "other"]), max_size=12
)
KINDS = {
    "lost": Kind.MISSING_AT_MINISTRY,
    "only": Kind.MISSING_AT_PROVINCE,
    "older": Kind.OTHER_VERSION,
    "newer": Kind.OTHER_VERSION,
    "other": Kind.OTHER_CONTENT,
}


def apart(changes: dict[int, str]) -> tuple[Rows, Rows]:
    """Return the rows of the province and of the ministry."""
    province, ministry = dict(ROWS), dict(ROWS)
    for index, change in changes.items():
        station, key = KEYS[index]
        before = ROWS[station, key]
        match change:
            case "lost":
                del ministry[station, key]
            case "only":
                del province[station, key]
            case "older":
                ministry[station, key] = row(station, key, before.version - 1024)
            case "newer":
                ministry[station, key] = row(station, key, before.version + 1)
            case "other":
                other = row(station, key, -before.version)
                ministry[station, key] = other._replace(version=before.version)
    return province, ministry


def differences_of(walk: Walk) -> list[Difference]:
    return [difference for part in walk.find() for difference in part]


@settings(max_examples=30, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(CHANGES)
def test_any_differences_are_found_exactly_in_few_questions(changes: dict[int, str]) -> None:
    province, ministry = map(MemorySource, apart(changes))
    walk = Walk(province, ministry, Subject.READINGS, START, END)
    differences = differences_of(walk)
    assert {(d.station, d.key): d.kind for d in differences} == {
        KEYS[index]: KINDS[change] for index, change in changes.items()
    }
    assert {(d.station, d.key) for d in differences if d.can_be_sent} == {
        KEYS[index] for index, change in changes.items() if change in ("lost", "older", "other")
    }
    # A question for all stations, then at most four a difference, each about one period.
    assert len(ministry.questions) <= 1 + 4 * len(changes)
    assert ministry.answered_rows <= 2 * 5 * max(1, len(changes))
    assert walk.unequal_sums == 0


def test_equal_tiers_take_one_question() -> None:
    province, ministry = MemorySource(ROWS), MemorySource(ROWS)
    walk = Walk(province, ministry, Subject.READINGS, START, END)
    assert differences_of(walk) == []
    assert (ministry.questions, walk.rows) == (["year"], len(ROWS))


def test_only_the_span_and_the_station_are_compared() -> None:
    lost = [KEYS.index(key) for key in KEYS if key[0] == "A"][:50]
    province, ministry = map(MemorySource, apart(dict.fromkeys(lost, "lost")))
    first, last = KEYS[lost[10]][1].time, KEYS[lost[20]][1].time
    differences = differences_of(Walk(province, ministry, Subject.READINGS, first, last))
    assert {d.key.time for d in differences if d.key} == {
        KEYS[index][1].time for index in lost if first <= KEYS[index][1].time < last
    }
    assert differences_of(Walk(province, ministry, Subject.READINGS, START, END, "B")) == []


def test_a_station_that_the_ministry_does_not_know_is_one_difference() -> None:
    ministry = MemorySource({k: v for k, v in ROWS.items() if k[0] != "B"}, stations=frozenset("AC"))
    walk = Walk(MemorySource(ROWS), ministry, Subject.READINGS, START, END)
    (difference,) = differences_of(walk)
    assert (difference.station, difference.kind, difference.key) == ("B", Kind.MISSING_AT_MINISTRY, None)
    assert difference.rows == len(ROWS) // 3
    assert not difference.can_be_sent
    assert ministry.questions == ["year"]


def test_all_that_a_known_station_has_lost_is_found_two_days_at_a_time() -> None:
    ministry = MemorySource({k: v for k, v in ROWS.items() if k[0] != "B"})
    parts = list(Walk(MemorySource(ROWS), ministry, Subject.READINGS, START, END).find())
    assert sum(map(len, parts)) == len(ROWS) // 3
    for part in parts:
        times = [d.key.time for d in part if d.key]
        assert max(times) - min(times) < timedelta(days=2)


def test_sums_that_differ_over_equal_rows_are_out_of_date() -> None:
    class Outdated(MemorySource):
        def sums(self, *question: object) -> object:  # type: ignore[override]
            sums = dict(super().sums(*question))  # type: ignore[arg-type]
            return {
                key: total._replace(digest=total.digest + (key.station == "A")) for key, total in sums.items()
            }

    rows = {("A", RowKey(START, "CO", "")): RowDigest(1, 1), ("B", RowKey(START, "CO", "")): RowDigest(1, 1)}
    walk = Walk(MemorySource(rows), Outdated(rows), Subject.READINGS, START, END)
    assert differences_of(walk) == []
    assert walk.unequal_sums == 1


def test_periods_that_follow_one_another_are_asked_for_together() -> None:
    hours = [START + timedelta(hours=n) for n in (0, 1, 2, 5, 6)]
    assert [(end - start).seconds // 3600 for start, end in join_periods(Level.HOUR, hours, 2)] == [2, 1, 2]


@given(
    st.sampled_from(Level),
    st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(1, 20_000),
)
def test_periods_are_counted_as_they_follow_one_another(level: Level, start: datetime, hours: int) -> None:
    start = start.replace(tzinfo=UTC)
    end, period, count = start + timedelta(hours=hours), period_start(level, start), 0
    while period < end:
        assert period_start(level, period) == period
        period, count = period_end(level, period), count + 1
    assert count_periods(level, start, end) == count
