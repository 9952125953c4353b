"""The validator's batch: partitions, memory, dead letters, headers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.readings import FlaggedSet, Reading, Readings, ReadingSet, Reject
from quantrac.io.records import Done, Record
from quantrac.testing.builders import NOON, registry
from quantrac.testing.rules import FixedRuleBook, FixedRules
from schemas.codecs.baseline import decode_baseline
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set, encode_reading_set
from schemas.examples import example
from services.validator.config import ValidatorSettings
from services.validator.validate.handler import ValidateHandler

STATION = "HN_BKHN_KHIKXQ"


RULES = FixedRules(
    {
        "status": {},
        "flat_line": {"suspect_after": 30.0, "fail_after": 60.0},
        "spike": {"suspect": 50.0, "fail": 500.0},
    },
    required=["status"],
)


def message(n: int, value: float, *, station: str = STATION, partition: int = 0) -> Record:
    at = NOON + timedelta(minutes=5 * n)
    reading = Reading(1, "NO2", value, str(value), "µg/m3", at, "00")
    content = ReadingSet(
        station,
        f"{n:064x}",
        "name.txt",
        "account",
        "ftp",
        at,
        "format",
        Readings.of([reading]),
        [Reject(2, "x", "bad-time")],
    )
    headers = {"file_id": b"id", "traceparent": b"trace", "foreign": b"header"}
    return Record("parsed", station.encode(), encode_reading_set(content), headers, partition, n)


def handler(rules: FixedRules = RULES) -> ValidateHandler:
    return ValidateHandler(registry(), FixedRuleBook(rules), topic="flagged")


def judged(done: Done) -> list[FlaggedSet]:
    return [decode_flagged_set(record.value or b"") for record in done.records]


def flags(sets: Sequence[FlaggedSet]) -> list[int]:
    return [reading.flag for s in sets for reading in s.readings]


def test_every_message_gives_one_with_the_same_key_rejects_and_trace() -> None:
    (record,) = handler().handle([message(0, 20.0)]).records
    assert (record.topic, record.key) == ("flagged", STATION.encode())
    assert record.headers == {"file_id": b"id", "traceparent": b"trace"}
    (flagged,) = judged(handler().handle([message(0, 20.0)]))
    assert (flagged.rules, flagged.rejects) == ("0123456789ab", [Reject(2, "x", "bad-time")])
    assert flagged.readings[0].tests == {"status": 1, "flat_line": 1, "spike": 2}


def test_a_memory_restored_from_the_output_judges_like_the_one_that_was_lost() -> None:
    values = [20.0 + (i // 9) % 3 + (i == 70) * 400 for i in range(100)]
    messages = [message(n, value) for n, value in enumerate(values)]
    lost, rebuilt = handler(), handler()
    rebuilt.restore(0, lost.handle(messages[:60]).records)
    expected = lost.handle(messages[60:])
    assert rebuilt.handle(messages[60:]) == expected
    assert 3 in flags(judged(expected))


def test_after_a_tail_of_nothing_but_revisions_the_memory_is_known_to_be_short() -> None:
    (first,) = judged(handler().handle([message(0, 20.0)]))
    revision = Record("flagged", b"x", encode_flagged_set(replace(first, revision=1, cause="late")))
    rebuilt, begun = handler(), handler()
    rebuilt.restore(0, [revision])
    begun.restore(0, [])
    (after,), (fresh,) = (judged(each.handle([message(1, 20.0)])) for each in (rebuilt, begun))
    assert after.provisional is not None
    assert "memory" in after.provisional.causes
    assert fresh.provisional is None or "memory" not in fresh.provisional.causes


def test_a_baseline_reaches_the_judge_from_its_message() -> None:
    rules = FixedRules({"status": {}, "own_range": {}}, required=["status"])
    station, blocks = decode_baseline(example("baseline.json"))
    baseline = Baselines()
    baseline.put(STATION, blocks)
    judge = ValidateHandler(registry(), FixedRuleBook(rules), topic="flagged", baseline=baseline)
    n = -155  # 2026-03-24T16:05Z, in the first block of the example
    (within, beyond) = judged(judge.handle([message(n, 20.0), message(n + 1, 48000.0)]))
    assert station == "HN_DEMO_KHI001"
    assert within.readings[0].tests["own_range"] == 1
    assert beyond.readings[0].tests["own_range"] in {3, 4}
    assert beyond.provisional is None


def test_a_partition_given_again_begins_anew() -> None:
    again = handler()
    again.handle([message(n, 20.0) for n in range(30)])
    again.restore(0, [])
    (flagged,) = judged(again.handle([message(30, 900.0)]))
    assert flagged.readings[0].tests["spike"] == 2


def test_a_partition_that_comes_back_forgets_its_own_stations_alone() -> None:
    both = handler()
    both.handle([message(n, 20.0, station=f"HN_{n % 2}", partition=n % 2) for n in range(40)])
    both.restore(1, [])
    done = both.handle([message(n, 900.0, station=f"HN_{n % 2}", partition=n % 2) for n in (40, 41)])
    assert [flagged.readings[0].tests["spike"] for flagged in judged(done)] == [4, 2]


def test_a_tail_takes_the_place_of_what_was_remembered() -> None:
    known = [message(n, 20.0) for n in range(30)]
    twice, once = handler(), handler()
    tail = once.handle(known).records
    twice.handle([*known, message(30, 500.0)])
    twice.restore(0, tail)
    after = handler()
    after.restore(0, tail)
    assert twice.handle([message(30, 20.0)]) == after.handle([message(30, 20.0)])


def test_the_cut_into_batches_and_their_partitions_change_no_flag() -> None:
    messages = [
        message(n // 6, 20.0 + (n % 7) + (n == 100) * 900, station=f"HN_{n % 6}", partition=n % 3)
        for n in range(180)
    ]
    whole, alone = handler(), handler()
    together = judged(whole.handle(messages))
    by_partition = [
        flagged
        for partition in range(3)
        for flagged in judged(alone.handle([m for m in messages if m.partition == partition]))
    ]
    assert {(s.station, s.file_id): s for s in together} == {(s.station, s.file_id): s for s in by_partition}
    assert 4 in flags(together)


def test_a_broken_message_is_dead_and_the_others_are_judged() -> None:
    broken = Record("parsed", b"x", b'{"station": 1}', {}, 0, 5)
    done = handler().handle([message(0, 20.0), broken, message(1, 21.0)])
    assert [(dead.record, "station" in dead.reason) for dead in done.dead] == [(broken, True)]
    assert len(done.records) == 2


def test_a_broken_message_in_the_tail_is_left_out_of_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    rebuilt = handler()
    rebuilt.restore(3, [Record("flagged", b"x", b"{", {}, 3, 7)])
    assert "flagged[3]@7 left out of the memory" in caplog.text
    assert len(rebuilt.handle([message(0, 20.0, partition=3)]).records) == 1


def test_a_test_that_crashes_is_logged_and_never_passes(caplog: pytest.LogCaptureFixture) -> None:
    contradiction = FixedRules({"status": {}, "spike": {"suspect": 2.0, "fail": 1.0}}, required=["status"])
    (flagged,) = judged(handler(contradiction).handle([message(0, 20.0)]))
    assert flagged.readings[0].tests["spike"] == 2
    assert flagged.readings[0].flag == 2
    assert caplog.messages == ["quality test spike raised"]


@pytest.mark.parametrize(
    ("stations", "partitions", "files"),
    [(20, 6, 8_000), (2_000, 6, 8_000), (20_000, 6, 80_000), (20_000, 24, 20_000)],
)
def test_the_tail_holds_what_the_memory_keeps_of_every_station(
    stations: int, partitions: int, files: int
) -> None:
    assert ValidatorSettings().tail_length(stations, partitions) == files


def test_a_tail_of_none_stays_none() -> None:
    assert ValidatorSettings(memory_tail=0).tail_length(20_000, 6) == 0
