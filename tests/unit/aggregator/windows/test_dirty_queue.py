"""Which dirty hours are computed next, and when a message is done."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from quantrac.io.records import Record
from schemas.codecs.window_dirty import decode_window_dirty, encode_window_dirty
from services.aggregator.windows.dirty_queue import DirtyQueue

TODAY = datetime(2026, 11, 20, 3, tzinfo=UTC)
CODES = ("CO", "NO2", "O3")


def message(offset: int, station: str, *hours: datetime, partition: int = 0) -> Record:
    value = encode_window_dirty(station, [(code, hour) for code in CODES for hour in hours])
    return Record("dirty", station.encode(), value, {}, partition, offset, 1_000.0 + offset)


def days_back(count: int) -> list[datetime]:
    return [TODAY - timedelta(hours=n) for n in range(24 * count)]


def queue_of(*messages: Record, seconds: float = 0.2) -> DirtyQueue:
    """Return a queue on a machine that takes no time."""
    queue = DirtyQueue(seconds=seconds, clock=TODAY.timestamp, monotonic=lambda: 0.0)
    for item in messages:
        queue.put(item)
    return queue


def hours_of(batch: Sequence[Record]) -> dict[str, set[tuple[str, int]]]:
    return dict(decode_window_dirty(record.value or b"") for record in batch)


def test_todays_hours_go_before_a_backlog_that_came_first() -> None:
    queue = queue_of(message(0, "LATE", *(hour - timedelta(days=1) for hour in days_back(300))))
    queue.put(message(1, "LIVE", TODAY))
    assert hours_of(queue.take()).keys() == {"LIVE"}
    assert [done.offset for done in queue.finish()] == [1]
    assert queue.has_more


def test_a_backlog_goes_on_in_every_other_batch_while_todays_hours_come() -> None:
    queue = queue_of(message(0, "LATE", *(hour - timedelta(days=1) for hour in days_back(300))))
    stations = []
    for offset in range(1, 5):
        queue.put(message(offset, "LIVE", TODAY))
        stations.append(hours_of(queue.take()).keys())
        queue.finish()
    assert stations == [{"LIVE"}, {"LIVE", "LATE"}] * 2


def test_a_message_of_a_year_is_worked_off_in_parts_and_is_done_with_the_last() -> None:
    year = message(0, "LATE", *days_back(365))
    queue, hours = queue_of(year), set[tuple[str, int]]()
    sizes = []
    done: list[Record] = []
    while batch := queue.take():
        assert not done
        ((_, part),) = hours_of(batch).items()
        assert not part & hours
        sizes.append(len(part))
        hours |= part
        done += queue.finish()
    assert [record.origin for record in done] == [year.origin]
    assert hours == decode_window_dirty(year.value or b"")[1]
    assert len(sizes) > 3
    assert sizes[0] < 100


def test_the_newest_days_of_a_backlog_go_first() -> None:
    queue = queue_of(message(0, "LATE", *days_back(100)))
    newest = []
    while batch := queue.take():
        newest.append(max(hour for _, hour in hours_of(batch)["LATE"]))
        queue.finish()
    assert newest == sorted(newest, reverse=True)


def test_hours_that_two_messages_name_are_taken_once_and_finish_both() -> None:
    messages = [message(0, "S", TODAY), message(1, "S", TODAY)]
    queue = queue_of(*messages, seconds=9)
    (record,) = queue.take()
    assert record.produced_at == messages[0].produced_at
    assert sorted(done.offset for done in queue.finish()) == [0, 1]
    assert queue.take() == []


def test_an_hour_that_is_called_dirty_while_it_is_computed_is_computed_again() -> None:
    queue = queue_of(message(0, "S", TODAY))
    queue.take()
    queue.put(message(1, "S", TODAY))
    assert [done.offset for done in queue.finish()] == [0]
    assert hours_of(queue.take()).keys() == {"S"}
    assert [done.offset for done in queue.finish()] == [1]


def test_what_was_taken_and_not_finished_waits_again_behind_what_is_newer() -> None:
    queue = queue_of(message(0, "LATE", *(hour - timedelta(days=1) for hour in days_back(100))))
    first = hours_of(queue.take())["LATE"]
    queue.put(message(1, "LIVE", TODAY))
    batch = hours_of(queue.take())
    assert "LIVE" in batch
    assert batch.get("LATE", set()) <= first


def test_what_cannot_be_read_is_handed_over_as_it_came() -> None:
    broken = Record("dirty", b"S", b"{}", {}, 0, 7)
    queue = queue_of(broken, message(8, "S", TODAY))
    assert queue.take()[0] is broken
    assert [done.offset for done in queue.finish()] == [7, 8]
    assert queue.take() == []


def test_messages_of_another_members_partitions_are_forgotten() -> None:
    mine, other = message(0, "MINE", TODAY), message(0, "OTHER", TODAY, partition=1)
    queue = queue_of(mine, other, seconds=9)
    queue.take()
    queue.retain(lambda record: record.partition == 0)
    assert [done.origin for done in queue.finish()] == [mine.origin]
    assert queue.take() == []


def test_a_slow_machine_gets_smaller_batches() -> None:
    moments = iter(range(0, 10_000, 10))
    queue = DirtyQueue(seconds=0.3, monotonic=lambda: float(next(moments)))
    queue.put(message(0, "LATE", *days_back(365)))
    before = len(hours_of(queue.take())["LATE"])
    queue.finish()
    assert len(hours_of(queue.take())["LATE"]) < before / 2


def test_the_stream_waits_while_too_many_hours_do() -> None:
    queue = DirtyQueue(seconds=0.001, most_hours=3 * 24 * 10, monotonic=lambda: 0.0)
    queue.put(message(0, "A", *days_back(9)))
    assert not queue.is_full
    queue.put(message(1, "B", *days_back(1)))
    assert queue.is_full
    queue.take()
    queue.finish()
    assert not queue.is_full


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]),
            st.lists(st.integers(0, 24 * 40), min_size=1, max_size=30),
            st.sampled_from(["take", "finish", "wait"]),
        ),
        max_size=12,
    )
)
def test_every_hour_is_computed_after_its_message_came_and_before_it_is_done(
    steps: list[tuple[str, list[int], str]],
) -> None:
    queue = queue_of(seconds=0.153)
    waiting: dict[int, set[tuple[str, str, int]]] = {}
    taken: set[tuple[str, str, int]] = set()
    computed: dict[int, set[tuple[str, str, int]]] = {}

    def take() -> None:
        nonlocal taken
        taken = {(station, *pair) for station, pairs in hours_of(queue.take()).items() for pair in pairs}
        open_now.clear()
        open_now.update(waiting)

    def finish() -> None:
        for offset in open_now & waiting.keys():
            computed[offset] |= taken
        for record in queue.finish():
            assert waiting.pop(record.offset) <= computed[record.offset]
        taken.clear()
        open_now.clear()

    open_now: set[int] = set()
    for offset, (station, hours, action) in enumerate(steps):
        record = message(offset, station, *(TODAY - timedelta(hours=hour) for hour in hours))
        queue.put(record)
        waiting[offset] = {(station, *pair) for pair in decode_window_dirty(record.value or b"")[1]}
        computed[offset] = set()
        if action != "wait":
            take()
        if action == "finish":
            finish()
    for _ in range(2_000):
        take()
        if not taken:
            break
        finish()
    assert not waiting
