"""``quantrac replay --stage validator``: judge stored readings again, by other rules or by those in force."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from quantrac.cli.names import look_up_stations
from quantrac.cli.registry_topic import read_registry, user, write
from quantrac.cli.shown_times import show_span, show_time
from quantrac.cli.target import Target
from quantrac.cli.terminal import count, echo
from quantrac.domain.qa.baseline.update import Span
from quantrac.domain.qa.stored.rejudge import rejudge
from quantrac.domain.qa.stored.revisions import FileNotStored
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Flag, FlaggedReading
from quantrac.domain.registry.registry import Registry
from quantrac.errors import UserError
from quantrac.io.clickhouse import ClickHouse, ClickHouseError
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.records import DeliveryFailed, Record
from schemas.clickhouse.history import Database, HistorySnapshot
from schemas.messages.rejudge import RejudgeRequest
from schemas.registry import record_key
from schemas.rules import NATIONAL, RuleBook, load
from schemas.rules.book import activation

CAUSE = "replay"
EXAMPLES = 3
"""Shown of one kind of change."""

_STATIONS = """
SELECT station, uniqExact(parameter, measured_at) AS readings
FROM readings
WHERE measured_at >= {start:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
  AND (empty({stations:Array(String)}) OR station IN {stations:Array(String)})
GROUP BY station
ORDER BY station
"""

_JUDGED = """
SELECT parameter, toUnixTimestamp(measured_at) AS time, flag, tests
FROM readings FINAL
WHERE station = {station:String} AND has({parameters:Array(String)}, parameter)
  AND measured_at >= toDateTime({start:UInt32}, 'UTC') AND measured_at <= toDateTime({end:UInt32}, 'UTC')
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """The readings to judge again: those measured in ``[start, end)``, UTC."""

    start: datetime
    end: datetime
    stations: tuple[str, ...]
    """Empty = all."""
    rules: Path | None
    """``None`` judges by the rules in force."""


Kind = tuple[str, str, str, int, int]
"""Test, station, parameter, flag as stored, flag as it would be."""


@dataclass(slots=True)
class _Change:
    readings: int = 0
    examples: list[str] = field(default_factory=list)


class Comparison:
    """Counts the readings that would get another flag, by the tests whose outcome differs."""

    def __init__(self) -> None:
        self.flags: Counter[tuple[int, int]] = Counter()
        """By flag as stored and flag as it would be."""
        self._changes: defaultdict[Kind, _Change] = defaultdict(_Change)

    def add(self, database: Database, station: str, readings: Sequence[FlaggedReading]) -> None:
        """Compare a station's readings whose flag would be another one with what is stored."""
        if not readings:
            return
        times = [int(reading.measured_at.timestamp()) for reading in readings]
        span = {"station": station, "start": min(times), "end": max(times)}
        parameters = sorted({reading.parameter for reading in readings})
        columns = database.columns(_JUDGED, span | {"parameters": parameters})
        stored = {(code, second): judged for code, second, *judged in zip(*columns.values(), strict=True)}
        for reading, second in zip(readings, times, strict=True):
            flag, text = stored[reading.parameter, second]
            self.flags[flag, reading.flag] += 1
            different = _different(json.loads(text), reading.tests)
            # Without another outcome it is the rules' ``required`` that changed.
            for test in different or ("required",):
                change = self._changes[test, station, reading.parameter, flag, reading.flag]
                change.readings += 1
                if len(change.examples) < EXAMPLES:
                    change.examples.append(_example(reading, flag, different))

    def lines(self) -> Iterator[str]:
        """Yield the changes by test, station and parameter, each with its first examples, then by flag."""
        for (test, station, parameter, before, after), change in sorted(self._changes.items()):
            readings = count(change.readings, "reading")
            yield f"{test} {station} {parameter}: {readings} {_name(before)} → {_name(after)}"
            yield from (f"    {example}" for example in change.examples)
        for (before, after), total in sorted(self.flags.items()):
            yield f"{count(total, 'reading')} {_name(before)} → {_name(after)}"


def dry_run(target: Target, replay: Replay) -> None:
    """Print what would change; nothing is written."""
    with read_registry(target) as registry:
        replay = _of_registered_stations(replay, registry)
        expectations = Expectations(registry, _book(registry, replay))
    database = ClickHouse(target.clickhouse)
    comparison, history = Comparison(), HistorySnapshot(database)
    judged, began = 0, time.monotonic()
    try:
        stations = _stations(database, replay)
        for number, (station, readings) in enumerate(stations, start=1):
            span = Span(replay.start.timestamp(), replay.end.timestamp(), frozenset({CAUSE}))
            rejudged = rejudge(history, registry, expectations, station, span)
            readings_changed = [reading for revision in rejudged.revisions for reading in revision.readings]
            comparison.add(database, station, readings_changed)
            judged += readings
            rate = judged / (time.monotonic() - began)
            echo(
                f"{station}: {number} of {count(len(stations), 'station')}, "
                f"{count(judged, 'reading')}, {rate:,.0f}/s",
                err=True,
            )
    except ClickHouseError as error:
        raise UserError(f"after {count(judged, 'reading')}: ClickHouse: {error}") from error
    except FileNotStored as error:
        raise UserError(str(error)) from error
    for line in comparison.lines():
        echo(line)
    judged_readings = f"{count(judged, 'reading')} of {count(len(stations), 'station')}"
    echo(f"{comparison.flags.total():,} of {judged_readings} would get another flag")


def publish(target: Target, replay: Replay, *, why: str, by: str | None) -> None:
    """Put the rules in force for the span and have its readings judged again.

    Raises UserError for other rules with some stations only: the span is put under them for all.
    """
    if replay.stations and replay.rules is not None:
        raise UserError(
            "other rules for a span hold for every station; leave --station out, or give the station "
            "thresholds of its own in the rule file"
        )
    offset = None
    with read_registry(target) as registry:
        replay = _of_registered_stations(replay, registry)
        stations = _stations(ClickHouse(target.clickhouse), replay)
        if replay.rules is not None:
            record = activation(
                load(replay.rules),
                by=by or user(),
                why=why,
                now=datetime.now(UTC),
                measured=(replay.start, replay.end),
            )
            written = Record(target.registry, record_key(record), record.model_dump_json().encode())
            offset = write(target, written).offset
            span = show_span(replay.start, replay.end)
            echo(f"{record.version} judges what was measured from {span}")
    producer = KafkaProducer(target.kafka)
    producer.produce([_request(target, replay, station, offset) for station, _ in stations])
    try:
        producer.flush()
    except DeliveryFailed as error:
        raise UserError(f"the broker did not take it: {error}") from error
    readings = sum(number for _, number in stations)
    echo(f"judging again: {count(readings, 'reading')} of {count(len(stations), 'station')}")


def _of_registered_stations(replay: Replay, registry: Registry) -> Replay:
    """Return it with the registry's codes of its stations; raises UserError for an unknown one."""
    return replace(replay, stations=look_up_stations(replay.stations, registry.stations))


def _book(registry: Registry, replay: Replay) -> RuleBook:
    """The rule book as it would be after publishing."""
    if replay.rules is not None:
        record = activation(
            load(replay.rules),
            by="dry run",
            why="dry run",
            now=datetime.now(UTC),
            measured=(replay.start, replay.end),
        )
        registry.activate(record.id, record.to_domain())
    return rules_in_force(registry)


def rules_in_force(registry: Registry) -> RuleBook:
    """Return the rules that judge in the deployment: those of its files, and those put in force since."""
    # The setting of the validator, where the environment names the deployment.
    return RuleBook(load(Path(os.environ.get("QUANTRAC_RULES", NATIONAL))), registry)


def _request(target: Target, replay: Replay, station: str, offset: int | None) -> Record:
    request = RejudgeRequest(
        station=station, start=replay.start, end=replay.end, causes=[CAUSE], registry_offset=offset
    )
    return Record(target.topic("rejudge"), station.encode(), request.model_dump_json().encode())


def _stations(database: ClickHouse, replay: Replay) -> list[tuple[str, int]]:
    """Stations with how many readings of the span they have."""
    span = {"start": f"{replay.start:%Y-%m-%d %H:%M:%S}", "end": f"{replay.end:%Y-%m-%d %H:%M:%S}"}
    return [
        (code, n) for code, n in database.query(_STATIONS, span | {"stations": list(replay.stations)}).rows
    ]


def _different(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Outcomes that differ, by test; 0 where a test was not run."""
    names = {*before, *after}
    pairs = {name: (before.get(name, 0), after.get(name, 0)) for name in sorted(names)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _example(reading: FlaggedReading, flag: int, different: Mapping[str, tuple[int, int]]) -> str:
    measured_at, value = show_time(reading.measured_at), f"{reading.value:g} {reading.unit}".rstrip()
    tests = ", ".join(
        f"{test} {_name(before)} → {_name(after)}" for test, (before, after) in different.items()
    )
    why = f" ({tests})" if tests else ""
    return f"{measured_at} {value}: {_name(flag)} → {_name(reading.flag)}{why}"


def _name(flag: int) -> str:
    return Flag(flag).words if flag else "not asked"
