"""How many readings a second the validator judges, beside ioos_qc and SaQC; one core, CPU time, Markdown.

    python benchmarks/qa/speed.py [--no-peers] [--stations 500]

Ours runs every test that the national rules ask of a parameter, and the baseline of each series is given.
The libraries get one month of one series, 8,640 readings, in one call of each test that they share with ours:

- ioos_qc: gross range, rate of change, spike, flat line;
- SaQC: range, constants, and its local outlier factor in place of the steps.

Neither has a live form. Called for each reading, ioos_qc gets it with the 16 before it, as much as ours
remembers. Ours with these four tests alone stands beside them. Each number is the best of some runs.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from peers import environment

sys.path.append(str(Path(__file__).parents[1]))
from country import INTERVAL, LINES, PARAMETERS, START, stations

from quantrac.domain.ids import reading_version
from quantrac.domain.qa.baseline.blocks import BOUNDS, StationStatistics, block_of
from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.baseline.neighbour_hours import HourMedians
from quantrac.domain.qa.baseline.update import Span
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.shared_rules import DEPTH
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.history import FileHead
from quantrac.domain.qa.stored.rejudge import rejudge
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Reading, Readings, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import from_seconds
from quantrac.io.records import Record
from quantrac.io.role import collect_rarely
from quantrac.testing.history import statistics_of
from schemas import rules
from schemas.codecs.sets import decode_reading_set, encode_flagged_set, encode_reading_set
from services.validator.validate.handler import ValidateHandler

BATCH = 500
"""Files, as the runner hands them on."""
WARM, MEASURED = 2 * DEPTH, 24
"""Files of each station: those before the clock runs fill the memory."""
MONTH = 30 * 288
RUNS = 5
SHARED = ("physical_range", "rate_of_change", "spike", "flat_line")
"""Tests that the libraries have too."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    tests: str
    readings: int
    seconds: float

    def __str__(self) -> str:
        rate, cost = self.readings / self.seconds, 1e6 * self.seconds / self.readings
        return f"| {self.what} | {self.tests} | {rate:,.0f} | {cost:,.3g} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--stations", type=int, default=BATCH)
    given = options.parse_args()
    collect_rarely()  # as every role does
    rows = list(ours(Country(given.stations)))
    if not given.no_peers:
        rows += peers()
    print("| | tests | readings/s | µs/reading |\n| --- | --- | ---: | ---: |")
    print(*rows, sep="\n")


class Country:
    """Stations, their rules, their baselines, and what they send."""

    def __init__(self, count: int) -> None:
        self.codes = [station.code for station in stations(count)]
        self.registry = Registry(stations={each.code: each.to_domain() for each in stations(count)})
        self.book = rules.RuleBook(rules.load())
        self.baseline = Baselines()
        first = block_of(START.timestamp())
        usual = {code: usual_limits(value, spread) for code, _, _, value, spread in PARAMETERS}
        for code in self.codes:
            self.baseline.put(code, dict.fromkeys(range(first, first + 4), usual))
        self.random = np.random.default_rng(1)

    def judge(self) -> Judge:
        """Return a judge that has seen nothing."""
        return Judge(self.registry, self.book, Memory(), baseline=self.baseline)

    def files(self, number: int, received: int | None = None) -> list[bytes]:
        """Return the parsed files that all stations send at an interval, as messages."""
        at = START + number * INTERVAL
        receipt = at if received is None else START + received * INTERVAL
        return [
            encode_reading_set(ReadingSet(code, "0" * 64, "", "", "ftp", receipt, "", self.readings(at)))
            for code in self.codes
        ]

    def readings(self, at: datetime) -> Readings:
        return Readings.of(
            Reading(line, code, value := made_up(self.random, usual, spread), str(value), unit, at, "00")
            for line, (code, unit, _, usual, spread) in enumerate(PARAMETERS, start=1)
        )


def usual_limits(value: float, spread: float) -> list[float]:
    limits = {
        "own_low": value - 2 * spread,
        "own_high": value + 2 * spread,
        "own_step": 2 * spread,
        "recent_low": value - 3 * spread,
        "recent_high": value + 3 * spread,
    }
    return [limits[name] for name in BOUNDS]


def made_up(random: np.random.Generator, usual: float, spread: float) -> float:
    return abs(round(usual + spread * float(random.standard_normal()), 2))


def ours(country: Country) -> Iterator[Row]:
    """Measure the forms of the validator."""
    in_order = range(WARM, WARM + MEASURED)
    yield Row("live, in order", "all", *live(country, range(WARM), in_order))
    # Every second interval comes after all others, late by up to 16 readings.
    late = range(WARM - 1, 0, -2)
    yield Row("live, every reading late", "all", *live(country, range(0, WARM, 2), late, received=WARM))
    yield Row("live with messages read and written", "all", *handled(country, range(WARM), in_order))
    yield Row("memory of 30,000 series restored", "none", *restored(country))
    readings = month(country)
    yield Row("replay of a month, 15 parameters", "all", *replayed(country, country.book, readings))
    yield Row("one late reading rejudged: 3 days of 15 parameters", "all", *rejudged(country, readings))
    alone, book = readings.take(readings.parameter == "PM10"), only(SHARED, "PM10")
    yield Row("replay of a month, 1 parameter", "all", *replayed(country, country.book, alone))
    yield Row("replay of a month, 1 parameter", "4", *replayed(country, book, alone))


def live(
    country: Country, warm: Sequence[int], measured: Sequence[int], *, received: int | None = None
) -> tuple[int, float]:
    """Judge read messages in batches; returns the readings of a file and its seconds by the median batch."""
    judge, spent = country.judge(), []
    for number in warm:
        judge.judge([decode_reading_set(each) for each in country.files(number, received)])
    for number in measured:
        for part in batches(country.files(number, received)):
            sets = [decode_reading_set(each) for each in part]
            spent.append(cpu(lambda sets=sets: judge.judge(sets)) / len(sets))
    return LINES, float(np.median(spent))


def handled(country: Country, warm: Sequence[int], measured: Sequence[int]) -> tuple[int, float]:
    """The same from message to message."""
    handler = ValidateHandler(country.registry, country.book, topic="qa-flagged", baseline=country.baseline)
    spent = []
    for number in [*warm, *measured]:
        for part in batches(country.files(number)):
            records = [Record("", b"", message, {}, 0, 0) for message in part]
            spent.append(cpu(lambda records=records: handler.handle(records)) / len(part))
    return LINES, float(np.median(spent[-len(spent) * len(measured) // (len(warm) + len(measured)) :]))


def restored(country: Country) -> tuple[int, float]:
    """Restore the tails of six partitions, 16 files of each of 2,000 stations; returns messages' readings."""
    names = [station.code for station in stations(2_000)]
    judge, handler = Country(0).judge(), ValidateHandler(country.registry, country.book, topic="")
    tails: list[list[Record]] = [[] for _ in range(6)]
    for number in range(DEPTH):
        at = START + number * INTERVAL
        sets = [ReadingSet(code, "0" * 64, "", "", "ftp", at, "", country.readings(at)) for code in names]
        for place, flagged in enumerate(judge.judge(sets)):
            tails[place % 6].append(Record("", b"", encode_flagged_set(flagged)))
    seconds = cpu(lambda: [handler.restore(number, tail) for number, tail in enumerate(tails)])
    return sum(map(len, tails)) * LINES, seconds


def month(country: Country) -> StationReadings:
    """A month of one station as the store keeps it."""
    time = START.timestamp() + INTERVAL.total_seconds() * np.arange(MONTH)
    values = [
        [made_up(country.random, usual, spread) for _ in range(MONTH)] for *_, usual, spread in PARAMETERS
    ]
    return StationReadings.of(
        country.codes[0],
        parameter=np.repeat(np.array([code for code, *_ in PARAMETERS], dtype=object), MONTH),
        time=np.tile(time, LINES),
        value=np.concatenate(values),
        status=["00"] * (LINES * MONTH),  # as a database answers: a text of its own for every row
        unit=np.repeat(np.array([unit for _, unit, *_ in PARAMETERS], dtype=object), MONTH),
        version=[reading_version(from_seconds(at)) for at in time.tolist()] * LINES,
        flag=1,
    )


def replayed(country: Country, book: rules.RuleBook, readings: StationReadings) -> tuple[int, float]:
    expectations = Expectations(country.registry, book)
    return len(readings), best(lambda: judge_span(readings, expectations))


def rejudged(country: Country, readings: StationReadings) -> tuple[int, float]:
    """Rejudge one reading in the middle of a month."""
    expectations = Expectations(country.registry, country.book)
    history = Stored(readings, expectations)
    station, at = readings.station, float(readings.time[MONTH // 2])
    asked = Span(at, at + expectations.look_back(station), frozenset({"late"}))
    return 1, best(lambda: rejudge(history, country.registry, expectations, station, asked))


class Stored:
    """What is stored of a station, without a database."""

    def __init__(self, readings: StationReadings, expectations: Expectations) -> None:
        self._readings = readings
        self._statistics = statistics_of(readings, expectations)

    def readings(self, station: str, start: float, end: float) -> StationReadings:
        return self._readings.take(self._readings.between(start, end))

    def newest(self, station: str) -> float:
        return self._readings.newest

    def statistics(self, station: str, first: int, last: int) -> StationStatistics:
        return {code: each.within(first, last) for code, each in self._statistics.items()}

    def hours(self, station: str, first: int, last: int) -> HourMedians:
        return {}

    def files(self, station: str, received: Collection[datetime]) -> Mapping[datetime, FileHead]:
        return {at: FileHead("", "", "", "", "") for at in received}


def only(tests: Collection[str], parameter: str) -> rules.RuleBook:
    """The national rules with all other tests of a parameter off."""
    off = "".join(f"        {test}: off\n" for test in TESTS if test not in tests)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(f"station_types:\n  ambient-air:\n    parameters:\n      {parameter}:\n{off}")
        return rules.RuleBook(rules.load(path))


def batches(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one run; what the benchmark holds is no garbage of the validator."""
    gc.collect()
    gc.freeze()
    start = time.process_time()
    work()
    spent = time.process_time() - start
    gc.unfreeze()
    return spent


def best(work: Callable[[], object]) -> float:
    return min(cpu(work) for _ in range(RUNS))


def peers() -> list[Row]:
    """Measure the libraries in their own environment."""
    script = Path(__file__).with_name("speed_of_peers.py")
    answer = subprocess.run([environment(), script], check=True, capture_output=True, text=True)
    return [Row(*each) for each in json.loads(answer.stdout)]


if __name__ == "__main__":
    main()
