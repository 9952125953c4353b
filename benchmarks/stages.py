"""Each stage alone: one process, no broker, no database; CPU time, so that neighbours matter less."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from country import LINES, raw_files, stations

from quantrac.domain.parsing import parse_file
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import Done, NotNow, Record
from quantrac.io.role import collect_rarely
from schemas import rules
from schemas.codecs.raw_file import RawFileHead, decode_head
from schemas.codecs.sets import decode_flagged_set, decode_reading_set, encode_flagged_set, encode_reading_set
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.aggregator.sink.tables.readings import reading_columns
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler

BATCH, SINK_BATCH = 500, 2_000


class NoTables:
    """A database that takes rows and does nothing."""

    def insert(self, table: str, columns: dict[str, Any], *, token: str) -> None:
        pass


def measure(files: int) -> Iterator[tuple[str, float]]:
    """Yield (stage, CPU µs a file)."""
    registered = stations(2_000)
    registry = Registry(stations={s.code: s.to_domain() for s in registered})
    raw = [consumed(record) for record in raw_files("raw-file", files, registered)]
    headers = [decode_head(record.headers) for record in raw]

    def parse(record: Record, about: RawFileHead) -> object:
        station = registry.station(about.station or "", about.received_at)
        return parse_file(record.value or b"", about.name, station, about.received_at)

    yield "bare: split at TAB, float", each(bare_parse, raw)
    yield "parse_file", each(lambda pair: parse(*pair), list(zip(raw, headers, strict=True)))
    yield "raw file's headers", each(lambda r: decode_head(r.headers), raw)

    parsed, cost = through(ParseHandler(registry, "parsed-reading").handle, raw, BATCH)
    yield "ParseHandler", cost
    validator = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
    flagged, cost = through(validator.handle, parsed, BATCH)
    yield "ValidateHandler", cost
    sink = SinkHandler(NoTables(), tables_by_topic(str, rejudges=False))
    yield "SinkHandler without ClickHouse", through(sink.handle, flagged, SINK_BATCH)[1]
    yield "the same for the raw files", through(sink.handle, raw, SINK_BATCH)[1]

    sets = [decode_reading_set(record.value or b"") for record in parsed]
    judged = [decode_flagged_set(record.value or b"") for record in flagged]
    yield "decode a reading set", each(lambda r: decode_reading_set(r.value or b""), parsed)
    yield "encode a reading set", each(encode_reading_set, sets)
    yield "decode a flagged set", each(lambda r: decode_flagged_set(r.value or b""), flagged)
    yield "encode a flagged set", each(encode_flagged_set, judged)
    yield "columns of readings", each(reading_columns, chunks(judged, SINK_BATCH)) / SINK_BATCH


def report(files: int) -> None:
    """Print a table."""
    collect_rarely()  # as every role does
    print(f"\nEach stage alone on one core, {files:,} files of {LINES} lines, CPU time")
    for stage, cost in measure(files):
        rate = 1e6 / cost
        print(f"  {stage:32} {cost:7.1f} µs/file {rate:9,.0f} files/s {LINES * rate:11,.0f} readings/s")


def bare_parse(record: Record) -> object:
    """What no parser can do without: no formats, no units, no faults."""
    found = []
    for line in (record.value or b"").decode().splitlines():
        name, value, unit, time, status = line.split("\t")
        found.append((name, float(value), unit, time, status))
    return found


def consumed(record: Record) -> Record:
    """Give a record a partition, as the broker would."""
    return Record(record.topic, record.key, record.value, record.headers, int(record.key[3:7]) % 6, 0)


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def through(
    handle: Callable[[Sequence[Record]], Done | NotNow], work: Sequence[Record], size: int
) -> tuple[list[Record], float]:
    """Hand everything to a handler in batches; returns what it gave, and µs a file."""
    given: list[Record] = []
    gc.freeze()  # what the benchmark holds is no garbage of the stage
    spent = 0.0
    for batch in chunks(work, size):
        start = time.process_time()
        done = handle(batch)
        spent += time.process_time() - start
        assert isinstance(done, Done) and not done.dead
        given.extend(consumed(record) for record in done.records)
    return given, 1e6 * spent / len(work)


def each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Return the best of three, in µs an item."""
    best = float("inf")
    gc.freeze()
    for _ in range(3):
        start = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - start)
    return 1e6 * best / len(items)


if __name__ == "__main__":
    report(10_000)
