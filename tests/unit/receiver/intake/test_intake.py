"""The way of an upload over the fake broker, one step at a time."""

import itertools
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from quantrac.domain.ids import file_id
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, account, file_name, registry
from services.receiver.intake.handler import IntakeHandler, Upload
from services.receiver.intake.intake import Intake
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.spool import Spool, SpoolFull
from support.waiting import LIMIT


def ticking(start: datetime = NOON) -> Callable[[], datetime]:
    times = (start + timedelta(seconds=n) for n in itertools.count())
    return lambda: next(times)


def open_intake(
    folder: Path,
    broker: FakeBroker,
    *,
    start: datetime = NOON,
    limit: int = 1 << 20,
    monotonic: Callable[[], float] = time.monotonic,
) -> Intake:
    return Intake(
        handler=IntakeHandler(registry(), "raw-file"),
        spool=Spool(folder, limit),
        ledger=Ledger(folder / "ledger.sqlite"),
        producer=broker.producer(),
        clock=ticking(start),
        monotonic=monotonic,
    )


def upload(content: bytes, name: str = file_name()) -> Upload:
    return Upload(account(), "/", name, content, "ftp")


def count_spooled(folder: Path) -> int:
    return len(list((folder / "ready").iterdir()))


def values(broker: FakeBroker) -> list[bytes | None]:
    return [record.value for record in broker.records("raw-file")]


def test_a_file_is_safe_on_disk_before_it_is_sent_and_gone_once_the_broker_has_it(tmp_path: Path) -> None:
    broker = FakeBroker()
    intake = open_intake(tmp_path, broker)
    outcome = intake.offer(upload(b"content"))
    outcome.spooled.result(LIMIT)
    assert (count_spooled(tmp_path), values(broker), outcome.confirmed.done()) == (1, [], False)
    intake.sender.step()
    assert (count_spooled(tmp_path), values(broker), outcome.confirmed.done()) == (0, [b"content"], True)
    assert (outcome.file_id, outcome.station, outcome.is_resend) == (
        file_id(b"content"),
        "HN_BKHN_KHIKXQ",
        False,
    )


def test_an_exact_resend_is_known_and_produces_nothing(tmp_path: Path) -> None:
    broker = FakeBroker()
    intake = open_intake(tmp_path, broker)
    intake.offer(upload(b"content")).spooled.result(LIMIT)
    intake.sender.step()
    again = intake.offer(upload(b"content"))
    assert (again.is_resend, again.spooled.done(), again.confirmed.done()) == (True, True, True)
    intake.sender.step()
    assert values(broker) == [b"content"]


def test_a_resend_is_not_known_before_the_broker_has_the_file(tmp_path: Path) -> None:
    intake = open_intake(tmp_path, FakeBroker())
    assert [intake.offer(upload(b"content")).is_resend for _ in range(2)] == [False, False]


def test_files_of_one_station_go_out_in_the_order_received(tmp_path: Path) -> None:
    broker = FakeBroker()
    intake = open_intake(tmp_path, broker)
    for n in range(30):
        intake.offer(upload(b"%d" % n)).spooled.result(LIMIT)
    intake.sender.step()
    assert values(broker) == [b"%d" % n for n in range(30)]


def test_a_crash_after_the_spool_sends_the_same_message_at_the_next_start(tmp_path: Path) -> None:
    open_intake(tmp_path, FakeBroker()).offer(upload(b"content")).spooled.result(LIMIT)
    broker = FakeBroker()
    open_intake(tmp_path, broker, start=NOON + timedelta(days=1)).sender.step()
    record = broker.records("raw-file")[0]
    assert (record.key, record.value) == (b"HN_BKHN_KHIKXQ", b"content")
    assert record.headers["received_at"] == b"2026-03-25T05:00:00Z"
    assert count_spooled(tmp_path) == 0


def test_a_crash_between_confirmation_and_removal_sends_the_very_same_message_twice(tmp_path: Path) -> None:
    broker = FakeBroker()
    intake = open_intake(tmp_path, broker)
    intake.offer(upload(b"content")).spooled.result(LIMIT)
    entry = next((tmp_path / "ready").iterdir())
    stored = entry.read_bytes()
    intake.sender.step()
    entry.write_bytes(stored)
    open_intake(tmp_path, broker).sender.step()
    first, second = broker.records("raw-file")
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)


def test_losing_the_ledger_only_sends_a_resend_once_more(tmp_path: Path) -> None:
    broker = FakeBroker()
    intake = open_intake(tmp_path, broker)
    intake.offer(upload(b"content")).spooled.result(LIMIT)
    intake.sender.step()
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    again = open_intake(tmp_path, broker)
    assert not again.offer(upload(b"content")).is_resend


def test_a_full_spool_refuses_and_recovers_when_the_broker_is_back(tmp_path: Path) -> None:
    broker = FakeBroker()
    broker.away = True
    intake = open_intake(tmp_path, broker, limit=2000)
    outcomes = [intake.offer(upload(bytes([n]) * 400)) for n in range(3)]
    errors = [outcome.spooled.exception(LIMIT) for outcome in outcomes]
    assert sum(isinstance(error, SpoolFull) for error in errors) == 1
    broker.away = False
    while count_spooled(tmp_path):
        intake.sender.step()
    assert intake.offer(upload(b"x" * 400)).spooled.exception(LIMIT) is None


def test_failed_deliveries_stay_in_the_spool_and_go_out_later_in_order(tmp_path: Path) -> None:
    broker = FakeBroker()
    now = [0.0]
    intake = open_intake(tmp_path, broker, monotonic=lambda: now[0])
    broker.failing = "timed out"
    for n in range(3):
        intake.offer(upload(b"%d" % n)).spooled.result(LIMIT)
    intake.sender.step()
    broker.failing = None
    intake.sender.step()
    assert (count_spooled(tmp_path), values(broker)) == (3, [])  # it pauses first
    now[0] = 1.1
    intake.sender.step()
    assert (count_spooled(tmp_path), values(broker)) == (0, [b"0", b"1", b"2"])


def test_a_damaged_entry_does_not_hold_up_the_others(tmp_path: Path) -> None:
    broker = FakeBroker()
    spool = Spool(tmp_path, 1 << 20)
    (tmp_path / "ready" / "0000000000001-damaged").write_bytes(b"\0\0\0")
    assert spool.names() == ["0000000000001-damaged"]
    intake = open_intake(tmp_path, broker)
    intake.offer(upload(b"content")).spooled.result(LIMIT)
    intake.sender.step()
    assert values(broker) == [b"content"]
    assert (tmp_path / "damaged" / "0000000000001-damaged").exists()


def test_a_name_that_cannot_be_kept_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        open_intake(tmp_path, FakeBroker()).offer(upload(b"content", "a" * 300))


def test_files_that_the_broker_does_not_confirm_are_named_and_no_reason_to_refuse_more(
    tmp_path: Path,
) -> None:
    broker, now = FakeBroker(), [0.0]
    intake = open_intake(tmp_path, broker, monotonic=lambda: now[0])
    for failing in (True, False):
        broker.failing, broker.away = "the broker is read-only" if failing else None, not failing
        intake.offer(upload(b"content %d" % failing)).spooled.result(LIMIT)
        for _ in range(4):
            intake.sender.step()
            now[0] += 20.0
        reason = ": the broker is read-only" if failing else ""
        problem = intake.sender.progress.problem()
        assert problem.startswith("spool: no progress for 80 s on a batch of 1")
        assert problem.endswith(reason)
        assert intake.has_room
        broker.failing, broker.away = None, False
        while count_spooled(tmp_path):
            now[0] += 60.0
            intake.sender.step()
        assert intake.sender.progress.problem() == ""
