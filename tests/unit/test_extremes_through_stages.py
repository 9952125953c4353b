"""The extremes of every field, forced onto the topics past the doors: no stage stops."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from quantrac.domain.qa.evaluate import raise_crash
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedSet, ReadingSet, Reject
from quantrac.io.records import Handler, Record
from quantrac.io.runner import BatchProcessor, DeadLetterLimit
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import (
    NOON,
    flagged_reading,
    flagged_set,
    reading,
    reading_set,
    registry,
    station,
)
from quantrac.testing.history import HistoryInMemory
from schemas.codecs.sets import encode_flagged_set, encode_reading_set
from schemas.messages.raw_file import RawFileHeaders
from schemas.rules import NATIONAL, RuleBook
from schemas.rules import load as load_rules
from services.receiver.parse.handler import ParseHandler
from services.validator.rejudge.handler import RejudgeHandler
from services.validator.rejudge.in_flight import InFlight
from services.validator.validate.handler import ValidateHandler
from support.extremes import RAW, SET, cases
from support.forwarder import FakeMinistry, Lanes
from support.watch import Watch

CODE = "HN_BKHN_KHIKXQ"

Stage = tuple[Handler, list[bytes], Callable[[int], Record], str]
"""A handler, messages with an extreme each, a good message by number, the topic of the good ones' results."""


def numbered_set(number: int = 0) -> ReadingSet:
    """Return a set before the validator, of the five minutes and the file of a number."""
    at = NOON + timedelta(minutes=5 * number)
    nitrogen_dioxide = reading(20.0 + number % 7, parameter="NO2", measured_at=at)
    return reading_set(
        nitrogen_dioxide, station=CODE, file_id=f"{number:064x}", rejects=[Reject(2, "x", "bad-time")]
    )


def numbered_flagged_set(number: int = 0) -> FlaggedSet:
    """Return a set after the validator, of the five minutes and the file of a number."""
    at = NOON + timedelta(minutes=5 * number)
    nitrogen_dioxide = flagged_reading(20.0, parameter="NO2", measured_at=at)
    return flagged_set(
        nitrogen_dioxide, station=CODE, file_id=f"{number:064x}", rejects=[Reject(2, "x", "bad-time")]
    )


def record(topic: str, value: bytes, headers: Mapping[str, bytes] | None = None) -> Record:
    carried = {"file_id": b"f" * 64, "traceparent": b"trace"}
    return Record(topic, CODE.encode(), value, carried if headers is None else headers)


class Store:
    """Takes figures and keeps none."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        pass


def validate() -> Stage:
    of_the_judgement = {"rules", "revision", "cause", "readings.flag.0"}
    fields = {name: column for name, column in SET.items() if name not in of_the_judgement}
    stations = registry([station(CODE)], [])
    handler = ValidateHandler(stations, RuleBook(load_rules(NATIONAL), stations), topic="out")
    extremes = [case.message for case in cases(json.loads(encode_reading_set(numbered_set())), fields)]
    return handler, extremes, lambda n: record("in", encode_reading_set(numbered_set(n))), "out"


def forward() -> Stage:
    handler = Lanes(FakeMinistry()).present
    extremes = [case.message for case in cases(json.loads(encode_flagged_set(numbered_flagged_set())), SET)]
    return (
        handler,
        extremes,
        lambda n: record("in", encode_flagged_set(numbered_flagged_set(n))),
        "delivery-receipt",
    )


def rejudge() -> Stage:
    stations = registry([station(CODE)], [])
    handler = RejudgeHandler(
        HistoryInMemory,
        Store(),
        stations,
        Expectations(stations, RuleBook(load_rules(NATIONAL), stations)),
        InFlight(lambda: {("q", 0): 0}, lambda: {("q", 0): 0}),
        flagged="out",
        baseline="baseline",
        rejudge="rejudge",
        registry_position=lambda: 0,
        generation=lambda: 0,
        clock=lambda: NOON,
        on_crash=raise_crash,
    )
    hour = {
        "station": CODE,
        "start": "2026-03-25T05:00:00Z",
        "end": "2026-03-25T06:00:00Z",
        "causes": ["late"],
    }
    column = SET["readings.measured_at.0"]
    fields = {"start": column, "end": column, "station": SET["station"]}
    extremes = [case.message for case in cases(hour, fields)]
    return handler, extremes, lambda _: record("in", json.dumps(hour).encode()), ""


def run(handler: Handler, batch: Sequence[Record]) -> FakeBroker:
    """Take a batch through the step that every loop shares; it must not have to wait."""
    broker = FakeBroker(partitions=1)
    limit = DeadLetterLimit(consecutive=len(batch), warm_up=len(batch) + 1)
    processor = BatchProcessor(service="test", producer=broker.producer(), handler=handler, limit=limit)
    assert processor.process(batch) is None
    return broker


def among_good_ones(extremes: Sequence[Record], good: Callable[[int], Record]) -> Iterator[Record]:
    for number, extreme in enumerate(extremes):
        yield good(number)
        yield extreme
    yield good(len(extremes))


@pytest.mark.parametrize("stage", [validate, forward, rejudge], ids=lambda stage: stage.__name__)
def test_no_extreme_stops_a_stage_and_every_good_message_has_its_result(
    stage: Callable[[], Stage],
) -> None:
    handler, extremes, good, results = stage()
    assert len(extremes) > 25
    batch = among_good_ones([record("in", message) for message in extremes], good)
    broker = run(handler, [Record(r.topic, r.key, r.value, r.headers, 0, n) for n, r in enumerate(batch)])
    dead = {letter.value for letter in broker.records("in.dlq")}
    assert dead <= set(extremes)
    assert dead, "no extreme was refused: they did not arrive"
    if results:
        written = b"".join(result.value or b"" for result in broker.records(results))
        missing = [n for n in range(len(extremes) + 1) if b"%064x" % n not in written]
        assert missing == []


def test_no_header_of_a_raw_file_stops_the_parser() -> None:
    names = set(RawFileHeaders.model_fields)
    headers = RawFileHeaders(
        file_id="0" * 64,
        name=f"{CODE}_20260325120000.txt",
        path="/",
        account="logger",
        transport="ftp",
        received_at=NOON,
        traceparent="trace",
        station=CODE,
    ).to_headers()
    good = record("in", b"NO2\t20\tug/m3\t20260325120000\t00\n", headers)
    extremes = []
    for case in cases(dict.fromkeys(RAW, "x"), RAW):
        if case.field in names:
            literal = case.literal.strip('"').encode("latin-1")
            extremes.append(record("in", good.value or b"", {**headers, case.field: literal}))
    handler = ParseHandler(registry([station(CODE)], []), "out")
    broker = run(handler, list(among_good_ones(extremes, lambda _: good)))
    assert len(broker.records("in.dlq")) > 20
    assert len(broker.records("out")) >= len(extremes) + 1


def test_no_extreme_stops_the_watch() -> None:
    watch = Watch()
    extremes = [case.message for case in cases(json.loads(encode_flagged_set(numbered_flagged_set())), SET)]
    batch = list(among_good_ones([record("qa-flagged", m) for m in extremes], good_of_watch))
    broker = run(watch.handler, batch)
    dead = {letter.value for letter in broker.records("qa-flagged.dlq")}
    assert dead
    assert dead <= set(extremes)
    watch.take()
    assert watch.handler.handle([good_of_watch(9_999)]) is not None


def good_of_watch(number: int) -> Record:
    return record("qa-flagged", encode_flagged_set(numbered_flagged_set(number)))
