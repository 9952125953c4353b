"""The parts of the way of a file in two checkouts, batch by batch in turns; CPU time.

    python benchmarks/turns.py OTHER_CHECKOUT [parse validate judge sink] [--batches 60]

Single runs differ by a third from minute to minute on a shared machine, so two of them compare nothing. Here
one process of each checkout does a batch, then the other, in changing order: the median of the ratios of
pairs holds to some hundredths. OTHER_CHECKOUT is a worktree of the version before, with ``make setup`` done.
"""

import argparse
import contextlib
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
FILES, STATIONS = 500, 2_000
"""Files of a batch, and the stations they come from in turn."""
MOST_FILES = 10_000_000
PARTS = ("parse", "validate", "judge", "sink")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="root of the other checkout")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)  # be the worker of a checkout
    options = parser.parse_args()
    if options.work:
        work(*options.parts)
        return
    print(f"| part | {options.other.name}, ms a batch | here | other / here | quartiles |")
    print("| --- | ---: | ---: | ---: | --- |")
    for part in options.parts or PARTS:
        other, here = take_turns(part, options.other.resolve(), options.batches)
        ratios = [before / now for before, now in zip(other, here, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        medians = [f"{1e3 * statistics.median(seconds):.1f}" for seconds in (other, here)]
        print(f"| {part} | {' | '.join(medians)} | {middle:.2f} | {low:.2f} to {high:.2f} |", flush=True)


def take_turns(part: str, other: Path, batches: int) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each batch, of the other checkout and of this one."""
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(worker(part, root)) for root in (other, HERE)]
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(batches):
            for index in (0, 1) if number % 2 else (1, 0):
                seconds[index].append(workers[index]())
    return seconds


@contextlib.contextmanager
def worker(part: str, root: Path) -> Iterator[Callable[[], float]]:
    """Start a process of a checkout; yields what has it do a batch and answers with its CPU seconds."""
    process = subprocess.Popen(
        [root / ".venv/bin/python", __file__, root, part, "--work"],
        cwd=root / "benchmarks",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def batch() -> float:
        print(file=process.stdin, flush=True)
        return float(process.stdout.readline())

    try:
        process.stdout.readline()  # it is ready
        yield batch
    finally:
        process.stdin.close()
        process.wait()


def work(part: str) -> None:
    """Do a batch at each line of the input; run in a worker, in the folder of its checkout's benchmarks."""
    # Before the folder of this file, which may be of the other checkout.
    sys.path[:0] = [str(Path.cwd()), str(Path.cwd().parent)]
    from quantrac.io.role import collect_rarely

    collect_rarely()
    batches, do = prepare(part)
    do(next(batches))  # what is made once
    print("ready", flush=True)
    for _ in sys.stdin:
        batch = next(batches)
        gc.collect()
        gc.freeze()
        begun = time.process_time()
        do(batch)
        print(time.process_time() - begun, flush=True)
        gc.unfreeze()


def prepare(part: str) -> tuple[Iterator[Any], Callable[[Any], Any]]:
    """Return the batches of a part, and what is done with each."""
    import stages

    registered = stages.stations(STATIONS)
    registry = stages.Registry(stations={station.code: station.to_domain() for station in registered})
    book = stages.rules.RuleBook(stages.rules.load())
    parse = stages.ParseHandler(registry, "parsed-reading").handle
    validate = stages.ValidateHandler(registry, book, topic="qa-flagged").handle
    raw = batches_of(map(stages.consumed, stages.raw_files("raw-file", MOST_FILES, registered)))
    if part == "parse":
        return raw, parse
    parsed = (list(map(stages.consumed, parse(batch).records)) for batch in raw)
    if part == "validate":
        return parsed, validate
    if part == "judge":
        from quantrac.domain.qa.live.judge import Judge
        from quantrac.domain.qa.live.memory import Memory

        sets = ([stages.decode_reading_set(record.value) for record in batch] for batch in parsed)
        return sets, Judge(registry, book, Memory(registry)).judge
    flagged = (list(map(stages.consumed, validate(batch).records)) for batch in parsed)
    return flagged, stages.SinkHandler(stages.NoTables(), stages.tables_by_topic(str, rejudges=False)).handle


def batches_of(items: Iterator[Any]) -> Iterator[list[Any]]:
    """Yield lists of :data:`FILES` items."""
    while batch := list(islice(items, FILES)):
        yield batch


if __name__ == "__main__":
    main()
