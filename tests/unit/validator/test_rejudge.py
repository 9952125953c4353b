"""What rejudging makes of requests: revisions, bounds and further requests, over a history in memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.domain.qa.evaluate import raise_crash
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Flag, FlaggedReading, FlaggedReadings, FlaggedSet
from quantrac.domain.registry.decisions import Decision, Withdrawal
from quantrac.domain.registry.stations import StationParameter
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseBadData, ClickHouseError, ClickHouseRefused
from quantrac.io.partitions import Offsets, Partition
from quantrac.io.records import DeliveryFailed, Done, NotNow, Record
from quantrac.io.runner import Runner
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import registry as registry_of
from quantrac.testing.builders import station
from quantrac.testing.history import HistoryInMemory
from schemas import rules
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.baseline import Baseline
from schemas.messages.rejudge import RejudgeRequest
from services.validator.rejudge.handler import RejudgeHandler
from services.validator.rejudge.in_flight import InFlight

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)
RULES = """
required: [status, unit]
national:
  tests:
    status: {}
    unit: {}
    rate_of_change: {suspect: 5}
"""


class Store:
    """Takes statistics into the history it stands beside."""

    def __init__(self) -> None:
        self.error: ClickHouseError | None = None
        self.inserted: list[tuple[str, Mapping[str, Sequence[Any]]]] = []

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if self.error is not None:
            raise self.error
        self.inserted.append((table, columns))


class Away(HistoryInMemory):
    def newest(self, station: str) -> float:
        raise ClickHouseAway("connection refused")


class Desk:
    """A handler with its doubles at hand: one PM2.5 series a station, five minutes apart."""

    def __init__(self, folder: Path, history: HistoryInMemory | None = None, **options: Any) -> None:
        (folder / "rules.yaml").write_text(RULES)
        self.history, self.store = history or HistoryInMemory(), Store()
        stations = [
            station(code, parameters=[StationParameter("PM2.5", "µg/m3")]) for code in ("A", "B", "C")
        ]
        self.registry = registry_of(stations, [])
        book = rules.RuleBook(rules.load(folder / "rules.yaml"), self.registry)
        self.position, self.ends, self.committed = 7, {("q", 0): 0}, {("q", 0): 0}
        self.in_flight = InFlight(lambda: self.ends, lambda: self.committed)
        self.handler = RejudgeHandler(
            lambda: self.history,
            self.store,
            self.registry,
            Expectations(self.registry, book),
            self.in_flight,
            flagged="qa-flagged",
            baseline="baseline",
            rejudge="rejudge",
            registry_position=lambda: self.position,
            generation=lambda: 0,
            clock=lambda: NOON + timedelta(days=1),
            on_crash=raise_crash,
            **options,
        )

    def keep(self, minutes: int, value: float, *, code: str = "A", flag: int = 1) -> None:
        """Store one judged file."""
        at = NOON + timedelta(minutes=minutes)
        tests = {"status": 1, "unit": 1, "rate_of_change": flag}
        reading = FlaggedReading(4, "PM2.5", value, f"{value:g}", "µg/m3", at, "00", flag, tests, at)
        readings = FlaggedReadings.of([reading])
        self.history.insert(
            FlaggedSet(
                code,
                f"{minutes:064x}",
                f"{minutes}.txt",
                "a",
                "ftp",
                at,
                "layout",
                "older",
                readings,
            )
        )

    def ask(self, *requests: Record) -> Done:
        done = self.handler.handle(requests)
        assert isinstance(done, Done), done
        return done


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def request(
    start: int = 0, end: int = 60, *, code: str = "A", cause: str = "late", offset: int | None = None
) -> Record:
    asked = RejudgeRequest(
        station=code,
        start=NOON + timedelta(minutes=start),
        end=NOON + timedelta(minutes=end),
        causes=[cause],
        registry_offset=offset,
    )
    return Record("rejudge", code.encode(), asked.model_dump_json().encode())


def revisions(done: Done) -> list[FlaggedSet]:
    return [
        decode_flagged_set(record.value or b"") for record in done.records if record.topic == "qa-flagged"
    ]


def reason(verdict: object) -> str:
    assert isinstance(verdict, NotNow)
    return verdict.reason


def asked_again(done: Done) -> list[tuple[str, int, int]]:
    """Station and minutes after noon of the requests that go back to the topic."""
    found = [
        RejudgeRequest.model_validate_json(record.value or b"")
        for record in done.records
        if record.topic == "rejudge"
    ]
    return [
        (
            each.station,
            round((each.start - NOON).total_seconds() / 60),
            round((each.end - NOON).total_seconds() / 60),
        )
        for each in found
    ]


def finish(done: Done) -> None:
    """What the runner does between the delivery reports and the commit."""
    assert [each() for each in done.after] == [None]


def test_a_flag_that_comes_out_otherwise_becomes_a_revision_of_its_file(desk: Desk) -> None:
    desk.keep(0, 10.0)
    desk.keep(5, 14.0)
    desk.keep(10, 18.0, flag=3)
    (revision,) = revisions(desk.ask(request()))
    (reading,) = revision.readings
    assert (revision.station, revision.file_id, revision.file_name) == ("A", f"{10:064x}", "10.txt")
    assert (revision.revision, revision.cause, revision.rejects, revision.provisional) == (
        1,
        "late",
        [],
        None,
    )
    assert (reading.line, reading.parameter, reading.value, reading.text) == (4, "PM2.5", 18.0, "18")
    assert (reading.flag, reading.tests["rate_of_change"]) == (Flag.GOOD, Flag.GOOD)


def test_a_revision_has_the_headers_and_the_key_of_its_file(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    (record,) = [each for each in desk.ask(request()).records if each.topic == "qa-flagged"]
    assert record.key == b"A"
    assert record.headers["file_id"] == f"{0:064x}".encode()
    assert record.headers["traceparent"].startswith(b"00-")


def test_what_is_stored_already_is_no_change(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    done = desk.ask(request())
    desk.history.insert(revisions(done)[0])
    assert revisions(desk.ask(request())) == []


def test_a_request_waits_for_its_registry_record_and_for_what_was_judged_before_it(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    for offset in (7, 8):
        assert f"record {offset} has not come" in reason(desk.handler.handle([request(offset=offset)]))
    desk.ends = {("q", 0): 1}
    assert "on its way" in reason(desk.handler.handle([request(offset=6)]))
    assert "not stored yet" in reason(desk.handler.handle([request(offset=6)]))
    desk.committed = {("q", 0): 1}
    assert len(revisions(desk.ask(request(offset=6)))) == 1


def test_a_decision_changes_flags_and_its_withdrawal_changes_them_back(desk: Desk) -> None:
    desk.keep(0, 10.0)
    span = {"start": NOON, "end": NOON + timedelta(hours=1)}
    decision = Decision("d", "A", **span, flag=Flag.FAIL, by="x", why="y", decided_at=NOON)
    desk.registry.decide("d", decision)
    (failed,) = revisions(desk.ask(request(cause="decision")))
    assert [(r.flag, r.tests["decision"]) for r in failed.readings] == [(Flag.FAIL, Flag.FAIL)]
    desk.history.insert(failed)
    withdrawn = Decision(
        "d",
        "A",
        **span,
        flag=Flag.FAIL,
        by="x",
        why="y",
        decided_at=NOON,
        withdrawn=Withdrawal("z", "w", NOON),
    )
    desk.registry.decide("d", withdrawn)
    (restored,) = revisions(desk.ask(request(cause="decision")))
    assert (restored.revision, [r.flag for r in restored.readings]) == (2, [Flag.GOOD])


def test_a_clickhouse_that_is_away_costs_lag_only(tmp_path: Path) -> None:
    verdict = Desk(tmp_path, Away()).handler.handle([request()])
    assert isinstance(verdict, NotNow)
    assert "connection refused" in verdict.reason


def test_a_broken_request_is_dead_and_the_others_are_rejudged(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    broken = Record("rejudge", b"A", b'{"station": "A"}')
    done = desk.ask(broken, request())
    assert [dead.record for dead in done.dead] == [broken]
    assert len(revisions(done)) == 1


def test_statistics_are_stored_only_after_the_messages_and_the_same_request_answers_alike_until_then(
    desk: Desk,
) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0 + minutes % 10)
    done = desk.ask(request(0, 7 * 60, cause="block"))
    assert desk.store.inserted == []
    assert desk.ask(request(0, 7 * 60, cause="block")).records == done.records
    finish(done)
    ((table, columns),) = desk.store.inserted
    assert table == "baseline_blocks"
    assert columns["station"] == ["A"]
    assert columns["block"] == [NOON]
    assert (columns["low"], columns["high"], columns["count"]) == ([10.0], [15.0], [72])


def test_statistics_that_cannot_be_stored_hand_the_batch_in_again(desk: Desk) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    done = desk.ask(request(0, 7 * 60, cause="block"))
    desk.store.error = ClickHouseRefused("no such table")
    (verdict,) = [each() for each in done.after]
    assert isinstance(verdict, NotNow)
    assert "no such table" in verdict.reason


def test_statistics_that_no_table_can_hold_are_left_out_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    done = desk.ask(request(0, 7 * 60, cause="block"))
    desk.store.error = ClickHouseBadData("the table baseline_blocks cannot hold a value")
    assert [each() for each in done.after] == [None]
    assert "statistics of A left out: the table baseline_blocks cannot hold a value" in caplog.text


def test_the_runner_stores_statistics_between_the_last_message_and_the_commit(desk: Desk) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    broker = FakeBroker(partitions=1)
    producer = broker.producer()
    consumer = broker.consumer("rejudge", ["rejudge"])
    runner = Runner(service="validator.rejudge", consumer=consumer, producer=producer, handler=desk.handler)
    producer.produce([request(0, 7 * 60, cause="block")])
    producer.flush()

    broker.failing = "disk full"
    with pytest.raises(DeliveryFailed):
        runner.step()
    assert (desk.store.inserted, broker.committed("rejudge", "rejudge")) == ([], 0)

    broker.failing = None
    again = broker.consumer("rejudge", ["rejudge"])
    runner = Runner(service="validator.rejudge", consumer=again, producer=producer, handler=desk.handler)
    desk.store.error = ClickHouseAway("connection refused")
    again.wait = lambda seconds, _: setattr(desk.store, "error", None)  # type: ignore[method-assign]
    assert runner.step() == 1
    assert len(desk.store.inserted) == 1
    assert len(broker.records("baseline")) == 2, "the batch came again whole"


def test_the_baseline_is_published_for_the_current_block_and_the_next(desk: Desk) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    done = desk.ask(request(0, 7 * 60, cause="block"))
    (record,) = [each for each in done.records if each.topic == "baseline"]
    baseline = Baseline.model_validate_json(record.value or b"")
    assert (record.key, baseline.station) == (b"A", "A")
    assert [block.start for block in baseline.blocks] == [
        NOON + timedelta(hours=6),
        NOON + timedelta(hours=12),
    ]
    limits = baseline.blocks[0].parameters["PM2.5"]
    assert (limits.own_low, limits.recent_high) == (None, None), "one block is too little to know anything"


def test_requests_of_one_station_that_meet_are_one(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    done = desk.ask(request(0, 10), request(10, 20, cause="companion"))
    assert asked_again(done) == []
    assert [revision.cause for revision in revisions(done)] == ["companion,late"]


def test_a_second_span_of_a_station_waits_for_the_statistics_of_the_first(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    desk.keep(600, 10.0, flag=3)
    done = desk.ask(request(0, 10, cause="block"), request(600, 610))
    assert [each.file_name for each in revisions(done)] == ["0.txt"]
    assert asked_again(done) == [("A", 600, 610)]


def test_a_long_request_is_rejudged_in_parts_and_another_station_does_not_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path, days_a_batch=2)
    day = 24 * 60
    for minutes in (0, day - 60, day, 3 * day):
        desk.keep(minutes, 10.0, flag=3)
    desk.keep(0, 10.0, code="B", flag=3)
    done = desk.ask(request(0, 100 * day, cause="block"), request(code="B"))
    assert [(each.station, each.file_name) for each in revisions(done)] == [
        ("A", "0.txt"),
        ("A", f"{day - 60}.txt"),
        ("B", "0.txt"),
    ]
    ((code, start, _),) = asked_again(done)
    assert (code, start) == ("A", day)


def test_a_request_without_an_end_ends_with_the_newest_reading(tmp_path: Path) -> None:
    desk = Desk(tmp_path, days_a_batch=1)
    desk.keep(0, 10.0, flag=3)
    done = desk.ask(request(0, 100 * 365 * 24 * 60))
    assert (len(revisions(done)), asked_again(done)) == (1, [])


def test_what_is_judged_live_by_limits_that_move_is_rejudged_once_it_is_stored(desk: Desk) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    finish(desk.ask(request(0, 7 * 60, cause="block")))
    desk.keep(2, 30.0)
    late = desk.ask(request(2, 3))
    assert asked_again(late) == [("A", 415, 415 + 360)]
    finish(late)
    desk.ends = {("q", 0): 1}
    assert "not stored yet" in reason(desk.handler.handle([request(415, 775, cause="baseline")]))
    desk.committed = {("q", 0): 1}
    assert asked_again(desk.ask(request(415, 775, cause="baseline"))) == []


def test_a_block_that_ended_in_order_moves_no_limits_of_the_present(desk: Desk) -> None:
    for minutes in range(0, 7 * 60, 5):
        desk.keep(minutes, 10.0)
    assert asked_again(desk.ask(request(0, 7 * 60, cause="block"))) == []


def test_nothing_stored_gives_nothing(desk: Desk) -> None:
    assert desk.ask(request()).records == []


class Sink:
    """What is known of the flagged sets' topic and of the group that stores them."""

    def __init__(self) -> None:
        self.end: int | None = 10
        self.stored: int | None = 10

    def in_flight(self) -> InFlight:
        return InFlight(lambda: _at(self.end), lambda: _at(self.stored))


def _at(offset: int | None) -> Offsets | None:
    return None if offset is None else {Partition("q", 0): offset}


def test_a_station_waits_until_its_last_revisions_are_stored_and_others_do_not() -> None:
    sink = Sink()
    in_flight = sink.in_flight()
    assert in_flight.is_stored({"A"})
    in_flight.add(["A"])
    sink.end = 12
    assert not in_flight.is_stored({"A", "B"})
    assert in_flight.is_stored({"B"})
    sink.stored, sink.end = 12, 99
    assert in_flight.is_stored({"A"}), "what others write meanwhile is not waited for"


def test_a_new_owner_waits_for_what_another_may_have_sent() -> None:
    sink = Sink()
    sink.stored = 9
    in_flight = sink.in_flight()
    assert not in_flight.is_stored({"A"})
    sink.stored = 10
    assert in_flight.is_stored({"A"})
    in_flight.doubt()
    sink.end = 11
    assert not in_flight.is_stored({"A"})


@pytest.mark.parametrize("unknown", ["end", "stored"])
def test_a_broker_that_does_not_answer_is_waited_for(unknown: str) -> None:
    sink = Sink()
    setattr(sink, unknown, None)
    assert not sink.in_flight().is_stored({"A"})


def test_the_handler_waits_for_its_own_revisions(desk: Desk) -> None:
    desk.keep(0, 10.0, flag=3)
    finish(desk.ask(request()))
    desk.ends = {("q", 0): 1}
    verdict = desk.handler.handle([request()])
    assert isinstance(verdict, NotNow)
    assert "not stored yet" in verdict.reason
    desk.committed = {("q", 0): 1}
    assert isinstance(desk.handler.handle([request()]), Done)
