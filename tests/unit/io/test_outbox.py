"""The outbox keeps what it took in, and says what is next and how far each file has come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import Filter, OutboxFile, State

NOON = datetime(2026, 3, 25, 5, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    yield opened
    opened.close()


def file(group: str = "A", minutes: float = 0, content: bytes = b"x") -> OutboxFile:
    time = NOON + timedelta(minutes=minutes)
    return OutboxFile(group, f"{group}_{time:%H%M}.txt", f"{group}/2026", time, content, b"origin " + content)


def names(outbox: Outbox, fresh_from: datetime | None = None) -> list[str]:
    return [entry.name for entry in outbox.next_files(fresh_from)]


def send(outbox: Outbox) -> list[str]:
    """Send everything, one file of each group after the other; returns the names in order."""
    sent = []
    while entries := outbox.next_files():
        for entry in entries:
            sent.append(entry.name)
            outbox.mark(entry, State.SENT)
    return sent


def test_a_file_waits_with_its_bytes_until_it_is_sent_and_over_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.sqlite")
    with first.transaction():
        first.put(file(content=b"NO2\t14.91\r\n"))
    first.close()
    again = Outbox(tmp_path / "outbox.sqlite")
    (entry,) = again.next_files()
    assert (entry.group, entry.name, entry.folder, entry.time) == ("A", "A_0500.txt", "A/2026", NOON)
    assert (entry.state, entry.edition, entry.tries) == (State.WAITING, 1, 0)
    assert again.content(entry) == b"NO2\t14.91\r\n"
    assert again.find("A", "A_0500.txt") == b"origin NO2\t14.91\r\n"
    assert again.creation == creation_of(tmp_path)
    again.close()


def creation_of(folder: Path) -> datetime:
    outbox = Outbox(folder / "outbox.sqlite")
    creation = outbox.creation
    outbox.close()
    return creation


def test_the_same_file_again_changes_nothing_and_another_content_waits_again(outbox: Outbox) -> None:
    outbox.put(file())
    assert send(outbox) == ["A_0500.txt"]
    outbox.put(file())
    assert (names(outbox), outbox.counts(Filter())[State.SENT]) == ([], 1)
    outbox.put(file(content=b"y"))
    (entry,) = outbox.next_files()
    assert (entry.edition, entry.state, outbox.content(entry)) == (2, State.WAITING, b"y")


def test_what_changed_while_it_was_sent_is_not_taken_for_sent(outbox: Outbox) -> None:
    outbox.put(file())
    (entry,) = outbox.next_files()
    outbox.put(file(content=b"y"))
    assert outbox.content(entry) is None
    outbox.mark(entry, State.SENT)
    (entry,) = outbox.next_files()
    assert (entry.state, entry.edition) == (State.WAITING, 2)


def test_a_file_with_nothing_in_it_is_empty_and_is_not_sent(outbox: Outbox) -> None:
    outbox.put(file(content=b""))
    assert (names(outbox), outbox.counts(Filter())[State.EMPTY]) == ([], 1)
    assert outbox.resend(Filter()) == 0
    outbox.put(file())
    assert names(outbox) == ["A_0500.txt"]
    outbox.put(file(content=b""))
    assert names(outbox) == []


def test_within_a_group_the_earliest_goes_first_and_the_group_that_lags_least_before_others(
    outbox: Outbox,
) -> None:
    for group, minutes in (("A", 10), ("A", 0), ("B", 15), ("A", 5), ("B", 20), ("C", -600)):
        outbox.put(file(group, minutes))
    assert names(outbox) == ["B_0515.txt", "A_0500.txt", "C_1900.txt"]
    assert [name for name in send(outbox) if name[0] == "A"] == ["A_0500.txt", "A_0505.txt", "A_0510.txt"]


def test_fresh_files_go_before_older_ones_of_their_group_where_that_is_asked_for(outbox: Outbox) -> None:
    for minutes in (-120, -115, 0, 5):
        outbox.put(file("A", minutes))
    outbox.put(file("B", -120))
    assert names(outbox, NOON) == ["A_0500.txt", "B_0300.txt"]


def test_a_file_that_is_not_due_holds_up_its_group_and_no_other_one(outbox: Outbox, clock: Clock) -> None:
    for group, minutes in (("A", 0), ("A", 5), ("B", 0)):
        outbox.put(file(group, minutes))
    entry = next(entry for entry in outbox.next_files() if entry.group == "A")
    outbox.mark(entry, State.TRANSFER_ERROR, "cut", due_at=NOON + timedelta(seconds=8))
    assert names(outbox) == ["B_0500.txt"]
    assert names(outbox, NOON) == ["B_0500.txt"]
    clock.now += timedelta(seconds=8)
    (entry,) = (entry for entry in outbox.next_files() if entry.group == "A")
    assert (entry.name, entry.tries, entry.reason) == ("A_0500.txt", 1, "cut")


def test_a_file_set_aside_is_tried_again_and_holds_nobody_up(outbox: Outbox, clock: Clock) -> None:
    outbox.put(file("A", 0))
    outbox.put(file("A", 5))
    outbox.mark(
        outbox.next_files()[0], State.REFUSED, "550 no", due_at=NOON + timedelta(hours=1), is_aside=True
    )
    assert send(outbox) == ["A_0505.txt"]
    clock.now += timedelta(hours=1)
    assert names(outbox) == ["A_0500.txt"]


def test_files_are_sent_again_by_group_span_and_state(outbox: Outbox) -> None:
    for group, minutes in (("A", 0), ("A", 5), ("B", 0)):
        outbox.put(file(group, minutes))
    send(outbox)
    assert outbox.resend(Filter(group="A", end=NOON + timedelta(minutes=5))) == 1
    assert send(outbox) == ["A_0500.txt"]
    assert outbox.resend(Filter(states=[State.REFUSED])) == 0
    assert outbox.resend(Filter(start=NOON + timedelta(minutes=5))) == 1
    assert send(outbox) == ["A_0505.txt"]
    assert outbox.resend(Filter()) == 3


def test_entries_are_listed_the_latest_first_and_counted_by_state(outbox: Outbox) -> None:
    for minutes in (0, 5, 10):
        outbox.put(file("A", minutes))
    outbox.mark(outbox.next_files()[0], State.SENT)
    assert [entry.name for entry in outbox.entries(Filter(), 2)] == ["A_0510.txt", "A_0505.txt"]
    assert [entry.name for entry in outbox.entries(Filter(states=[State.SENT]))] == ["A_0500.txt"]
    assert (outbox.counts(Filter())[State.WAITING], outbox.counts(Filter())[State.SENT]) == (2, 1)
    assert sum(outbox.counts(Filter("B")).values()) == 0


def test_files_are_forgotten_by_their_last_change_and_counted(outbox: Outbox, clock: Clock) -> None:
    outbox.put(file("A", 0))
    outbox.put(file("A", 5))
    outbox.mark(outbox.next_files()[0], State.SENT)
    clock.now += timedelta(days=1)
    outbox.put(file("A", 10))
    assert outbox.prune(NOON + timedelta(hours=1)) == {State.SENT: 1, State.WAITING: 1}
    assert names(outbox) == ["A_0510.txt"]


def test_a_step_that_fails_leaves_nothing_behind(outbox: Outbox) -> None:
    with pytest.raises(KeyError), outbox.transaction():
        outbox.put(file())
        raise KeyError
    assert names(outbox) == []


def test_an_outbox_that_cannot_be_written_says_why(outbox: Outbox) -> None:
    page_count = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {page_count}")
    with pytest.raises(OutboxUnavailable, match="full"), outbox.transaction():
        for minutes in range(200):
            outbox.put(file(minutes=minutes, content=bytes(range(256))))
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    outbox.put(file())
    assert names(outbox) == ["A_0500.txt"]


def test_what_a_killed_process_had_not_finished_is_undone(tmp_path: Path) -> None:
    dying = Outbox(tmp_path / "outbox.sqlite")
    dying._db.execute("BEGIN IMMEDIATE")
    dying.put(file())
    # A process that is killed leaves the files as they are; a copy of them is what the next one finds.
    for path in tmp_path.glob("outbox.sqlite*"):
        (tmp_path / path.name.replace("outbox", "copy")).write_bytes(path.read_bytes())
    left = Outbox(tmp_path / "copy.sqlite")
    assert left.next_files() == []
    left.close()
    dying._db.execute("ROLLBACK")
    dying.close()


def test_it_is_safe_after_a_power_cut(outbox: Outbox) -> None:
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
