"""Open questions, reading again, and the lane of late files, over the broker in memory."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.readings import ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationParameter
from quantrac.io.records import Done, Record
from quantrac.io.runner import Runner
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import (
    NOON,
    PARAMETERS,
    account,
    file_name,
    registry,
    station,
    station_file,
)
from schemas.codecs.sets import decode_reading_set
from schemas.messages.open_questions import OpenQuestion
from schemas.messages.raw_file import RawFileHeaders
from services.receiver.intake.handler import IntakeHandler, Upload
from services.receiver.parse.backlog import BATCH, BATCH_BYTES, LiveLane, PacedConsumer, Rereader
from services.receiver.parse.handler import ParseHandler
from services.receiver.parse.open_questions import OpenQuestions

CODE = "HN_BKHN_KHIKXQ"
FLOW = station_file([("PM2.5", "12.40", "ug/m3", "00"), ("Flow_Out", "3.1", "m3/h", "00")])
GOING = threading.Event()


class Lane:
    """One deployment: registry, broker and the parse role, with what it published."""

    def __init__(self, station_registry: Registry) -> None:
        self.registry = station_registry
        self.broker = FakeBroker()
        self.questions = OpenQuestions(station_registry, "open-question")
        self.parse = Runner(
            service="receiver.parse",
            consumer=self.broker.consumer("receiver.parse", ["raw-file"]),
            producer=self.broker.producer(),
            handler=ParseHandler(station_registry, "parsed-reading", self.questions),
            poll_timeout=0,
        )
        self.rereader = Rereader(
            questions=self.questions,
            handler=ParseHandler(station_registry, "parsed-reading"),
            files=self.files,
            producer=self.broker.producer(),
            is_short=lambda: True,
        )
        self._intake = IntakeHandler(
            station_registry, "raw-file", backlog="raw-file-backlog", late_after=timedelta(hours=6)
        )

    def files(self, question: OpenQuestion) -> Iterable[Record]:
        for record in self.broker.records("raw-file"):
            headers = RawFileHeaders.from_headers(record.headers)
            if record.partition == question.partition and headers.received_at >= question.since:
                yield record

    def receive(self, name: str, content: bytes, minutes: int = 0, *, path: str = "/") -> Record:
        upload = Upload(self.registry.accounts["bkhn"], path, name, content, "ftp")
        record = self._intake.record(upload, file_id(content), NOON + timedelta(minutes=minutes))
        producer = self.broker.producer()
        producer.produce([record])
        producer.flush()
        return record

    def reading_sets(self) -> list[ReadingSet]:
        return [decode_reading_set(r.value or b"") for r in self.broker.records("parsed-reading")]


def learn(station_registry: Registry, *more: StationParameter) -> None:
    station_registry.stations[CODE] = station(parameters=(*PARAMETERS, *more))


def test_a_parameter_that_the_registry_learns_is_read_from_the_files_that_had_it() -> None:
    lane = Lane(registry())
    lane.receive(file_name(), FLOW)
    lane.parse.step()
    assert [r.reason for r in lane.reading_sets()[0].rejects] == ["unknown-parameter"]
    lane.rereader.step(GOING)
    assert len(lane.reading_sets()) == 1, "the registry has not changed"

    learn(lane.registry, StationParameter("FLOW", "m3/h", file_names=("Flow_Out",)))
    lane.rereader.step(GOING)
    first, again = lane.reading_sets()
    assert [(r.parameter, r.value) for r in again.readings] == [("PM2.5", 12.4), ("FLOW", 3.1)]
    assert again.rejects == []
    assert (again.file_id, again.received_at) == (first.file_id, first.received_at)
    lane.rereader.step(GOING)
    assert len(lane.reading_sets()) == 2, "the question is answered"


def test_an_ambiguous_number_is_read_once_the_registry_declares_the_decimal_sign() -> None:
    lane = Lane(registry())
    lane.receive(file_name(), station_file([("PM2.5", "1,013", "ug/m3", "00")]))
    lane.parse.step()
    assert [r.reason for r in lane.reading_sets()[0].rejects] == ["ambiguous-number"]

    lane.registry.stations[CODE] = replace(lane.registry.stations[CODE], decimal_sign=",")
    lane.rereader.step(GOING)
    assert [(r.parameter, r.value) for r in lane.reading_sets()[1].readings] == [("PM2.5", 1.013)]
    assert lane.reading_sets()[1].rejects == []


def test_a_file_is_read_again_when_the_registry_learns_its_station() -> None:
    lane = Lane(registry())
    lane.receive("LSOS_KHIKHO_20260325120000.txt", station_file())
    lane.parse.step()
    assert [(s.station, s.rejects[0].reason) for s in lane.reading_sets()] == [("", "unknown-station")]

    lane.registry.stations["LSOS_KHIKHO"] = station("LSOS_KHIKHO")
    lane.registry.accounts["bkhn"] = account(stations=(CODE, "LSOS_KHIKHO"))
    lane.rereader.step(GOING)
    again = [s for s in lane.reading_sets() if s.readings]
    assert [(s.station, s.readings[0].value) for s in again] == [("LSOS_KHIKHO", 12.4)]
    withdrawn = [s for s in lane.reading_sets() if not s.readings and not s.rejects]
    assert [(s.station, s.file_id) for s in withdrawn] == [("", again[0].file_id)]
    keys = {r.key for r in lane.broker.records("parsed-reading")}
    assert keys == {b"bkhn", b"LSOS_KHIKHO"}


def test_an_ambiguous_file_names_its_candidates_and_waits_for_the_registry() -> None:
    pair = [station("HN_ONE", file_patterns=["bom"]), station("HN_TWO", file_patterns=["bom"])]
    lane = Lane(registry(pair, [account(stations=("HN_ONE", "HN_TWO"))]))
    lane.receive("Tram bom 2.txt", station_file())
    lane.parse.step()
    (reject,) = lane.reading_sets()[0].rejects
    assert (reject.reason, reject.line) == ("ambiguous-station", 0)
    assert reject.detail == 'The file name "Tram bom 2.txt" fits several: HN_ONE, HN_TWO.'

    lane.registry.stations["HN_ONE"] = replace(pair[0], file_patterns=("bom 1",))
    lane.rereader.step(GOING)
    assert [s.station for s in lane.reading_sets() if s.readings] == ["HN_TWO"]


def test_a_question_is_asked_once_for_a_station_and_again_while_something_stays_open() -> None:
    lane = Lane(registry())
    for minutes in range(3):
        lane.receive(file_name(), FLOW, minutes)
    lane.parse.step()
    assert len(lane.broker.records("open-question")) == 1

    learn(lane.registry, StationParameter("CO", "mg/m3"))
    lane.rereader.step(GOING)
    questions = [
        OpenQuestion.model_validate_json(r.value or b"") for r in lane.broker.records("open-question")
    ]
    assert [q.since for q in questions] == [NOON, NOON]
    assert questions[0].digest != questions[1].digest
    assert lane.questions.list_answerable() == {}


def test_questions_come_back_from_their_topic() -> None:
    lane = Lane(registry())
    lane.receive(file_name(), FLOW)
    lane.parse.step()
    restarted = OpenQuestions(lane.registry, "open-question")
    for record in lane.broker.records("open-question"):
        restarted.apply(record.key, record.value)
    learn(lane.registry, StationParameter("FLOW", "m3/h", file_names=("Flow_Out",)))
    assert list(restarted.list_answerable()) == [f"station/{CODE}"]
    restarted.apply(f"station/{CODE}".encode(), None)
    assert restarted.list_answerable() == {}


def test_a_late_file_takes_the_lane_of_the_backlog() -> None:
    lane = Lane(registry())
    old, fresh = NOON - timedelta(hours=7), NOON - timedelta(hours=5)
    assert lane.receive(file_name(at=old), station_file()).topic == "raw-file-backlog"
    assert lane.receive(file_name(at=fresh), station_file()).topic == "raw-file"
    assert lane.receive(f"{CODE} late.txt", station_file(at=old)).topic == "raw-file-backlog"
    assert lane.receive(f"{CODE}.txt", b"nothing to tell a time by").topic == "raw-file"


class Passing:
    """A validator that does no more than take what comes."""

    def handle(self, batch: list[Record]) -> Done:
        return Done()


@pytest.mark.parametrize("backlog", [17_280])
def test_sixty_days_of_one_station_never_stand_before_the_present_of_the_others(backlog: int) -> None:
    """One partition holds all: a live file has at most the bound and one batch before it."""
    bound, topic = 200, "parsed-reading"
    broker = FakeBroker(partitions=1)
    producer = broker.producer()
    producer.produce([Record("raw-file-backlog", b"LATE", b"x")] * backlog)
    producer.flush()

    def lag(group: str, topic: str) -> int:
        return len(broker.records(topic)) - broker.committed(group, topic)

    live = LiveLane(lag, {"validator": topic}, bound)

    class Forward:
        def handle(self, batch: list[Record]) -> Done:
            return Done([Record(topic, r.key, r.value) for r in batch])

    late = Runner(
        service="backlog",
        consumer=PacedConsumer(broker.consumer("backlog", ["raw-file-backlog"]), live.is_short),
        producer=broker.producer(),
        handler=Forward(),
        batch_size=BATCH,
        poll_timeout=0,
    )
    validator = Runner(
        service="validator",
        consumer=broker.consumer("validator", [topic]),
        producer=broker.producer(),
        handler=Passing(),
        batch_size=50,
        poll_timeout=0,
    )
    ahead = []
    while broker.committed("backlog", "raw-file-backlog") < backlog:
        for _ in range(8):
            late.step()
        waiting = len(broker.records(topic)) - broker.committed("validator", topic)
        ahead.append(waiting)
        producer.produce([Record(topic, b"LIVE", b"now")])
        producer.flush()
        validator.step()
    assert max(ahead) <= bound + BATCH
    assert max(ahead) > bound, "the lane is not slower than it needs to be"


def test_a_lag_that_is_not_known_counts_as_long() -> None:
    lags = {"parse": 0, "validate": None}
    assert not LiveLane(lambda group, _: lags[group], {"parse": "a", "validate": "b"}, 200).is_short()
    assert LiveLane(lambda group, _: lags[group], {"parse": "a"}, 200).is_short()


def test_a_lane_that_yields_to_the_present_has_nothing_that_waits() -> None:
    broker = FakeBroker()
    producer = broker.producer()
    producer.produce([Record("raw-file-backlog", b"k", b"%d" % n) for n in range(3)])
    producer.flush()
    short = [False]
    consumer = PacedConsumer(broker.consumer("backlog", ["raw-file-backlog"]), lambda: short[0])
    assert consumer.consume(1, 0) == []
    assert consumer.find_unread() == {}
    short[0] = True
    assert len(consumer.consume(1, 0)) == 1
    assert len(consumer.find_unread() or {}) == 1


def test_long_files_come_in_batches_of_so_many_bytes_and_in_their_order() -> None:
    broker = FakeBroker(partitions=1)
    producer = broker.producer()
    part = b"x" * (BATCH_BYTES // 3)
    producer.produce([Record("raw-file-backlog", b"k", b"%d" % n + part) for n in range(7)])
    producer.produce([Record("raw-file-backlog", b"k", b"7" + part * 9)])
    producer.flush()
    consumer = PacedConsumer(broker.consumer("backlog", ["raw-file-backlog"]), lambda: True)
    sizes, taken = [], b""
    while batch := consumer.consume(BATCH, 0):
        sizes.append(len(batch))
        taken += b"".join((record.value or b"")[:1] for record in batch)
        consumer.commit(batch)
    assert (sizes, taken) == ([2, 2, 2, 1, 1], b"01234567")
