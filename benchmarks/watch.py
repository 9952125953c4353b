"""What watch costs: a batch of a file of every station, a tick without messages, bytes a series.

2,000 stations with 15 parameters each. Run: ``python benchmarks/watch.py``.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet
from quantrac.domain.registry.stations import StationParameter
from quantrac.io.records import Record
from quantrac.testing.builders import station
from schemas.codecs.sets import encode_flagged_set
from support.watch import Watch

STATIONS, PARAMETERS = 2_000, 15
NOW = datetime(2026, 3, 25, 5, tzinfo=UTC)
TESTS = dict.fromkeys(("flat_line", "stuck", "spike", "status", "unit", "rate_of_change"), 1)


def batch(at: datetime) -> list[Record]:
    """One file of every station."""
    readings = FlaggedReadings.of(
        FlaggedReading(n, f"P{n}", 10.0, "10", "µg/m3", at, "00", 1, TESTS, at)
        for n in range(1, PARAMETERS + 1)
    )
    return [
        Record(
            "qa-flagged",
            f"S{n}".encode(),
            encode_flagged_set(FlaggedSet(f"S{n}", "f" * 64, "name", "a", "ftp", at, "f", "r", readings)),
        )
        for n in range(STATIONS)
    ]


def seconds(work: Callable[[], object]) -> float:
    """CPU time of the best of five runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(5))


def main() -> None:
    """Measure and print."""
    parameters = [StationParameter(f"P{n}", "µg/m3") for n in range(PARAMETERS)]
    watch = Watch(*(station(f"S{n}", parameters=parameters) for n in range(STATIONS)))
    files = batch(NOW)
    watch.take(*batch(NOW - timedelta(days=2))[:1])
    tracemalloc.start()
    watch.take(*files)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory                 {size / STATIONS / PARAMETERS:8.0f} bytes a series")
    print(f"batch of {STATIONS:,} files   {seconds(lambda: watch.take(*files)) * 1000:8.0f} ms of a core")
    print(f"tick without messages  {seconds(watch.take) * 1000:8.0f} ms of a core")


if __name__ == "__main__":
    main()
