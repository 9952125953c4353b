"""Why flags that were just given may still change: the causes of a provisional set.

Some follow from what other files had before (:func:`add_companions`), some from the past of each reading
(:func:`add_causes_of_rows`), some from the end of a period of time (:func:`add_finished_periods`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCK
from quantrac.domain.qa.checks.table import NEIGHBOURS, TESTS
from quantrac.domain.qa.live.arrivals import NO_SERIES, Past
from quantrac.domain.qa.live.batch import BatchColumns
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.live.other_files import OtherFiles
from quantrac.domain.qa.live.provisional import ProvisionalSpans
from quantrac.domain.qa.shared_rules import has_wrong_clock
from quantrac.domain.qa.window import Bools
from quantrac.domain.times import HOUR

BLOCK_TESTS = tuple(name for name, test in TESTS.items() if test.baseline and name != NEIGHBOURS)
"""Tests that compare with the bounds of a block."""
INSTANT = 1.0
"""Seconds of a span that holds the readings of one time only."""


def add_companions(spans: ProvisionalSpans, batch: BatchColumns, memory: Memory) -> None:
    """Add the times for which a parameter that a test compares with came in another file before.

    To be called before the memory takes the batch in.
    """
    other_files = OtherFiles(memory)
    for index, file in enumerate(batch.files):
        if not file.station or file.profiles is None or file.is_imported:
            continue
        for time, parameters in file.parameters_by_time().items():
            if has_wrong_clock(time, file.received):
                continue
            missing = file.profiles.missing_companions(parameters)
            if missing and other_files.has_any(file.station, missing, time):
                spans.add(index, time, time + INSTANT, "companion")
        other_files.add(file.station, file.parameters, file.times, file.received)


@dataclass(frozen=True, slots=True)
class FinishedPeriods:
    """Which blocks and hours of a station are over since a set of the batch came.

    Spans go from the last period with readings before the set to the start of the present one, seconds since
    1970 UTC.
    """

    newest_before: list[float]
    """(sets,) newest time of each set's station before it; -inf where there is none, inf for history, which
    lies in blocks that are over."""
    blocks: dict[int, tuple[float, float]]
    """By index of the set."""
    hours: dict[int, tuple[float, float]]
    """By index of the set."""


def advance_stations(batch: BatchColumns, memory: Memory) -> FinishedPeriods:
    """Move the newest times of the stations on in the memory, and return what is over by that."""
    finished = FinishedPeriods([-np.inf] * len(batch.files), {}, {})
    for index, file in enumerate(batch.files):
        if not file.station or not file.times:
            continue
        if file.is_imported:
            finished.newest_before[index] = np.inf
            memory.is_complete = False
            continue
        before, newest = memory.advance(file.station, file.times, file.received)
        finished.newest_before[index] = before
        for length, periods in ((BLOCK, finished.blocks), (HOUR, finished.hours)):
            current = newest // length * length
            if before < current:
                last = before if before > -np.inf else current - length
                periods[index] = last // length * length, current
    return finished


def add_causes_of_rows(
    spans: ProvisionalSpans,
    batch: BatchColumns,
    past: Past,
    enabled: Mapping[str, Bools],
    finished: FinishedPeriods,
) -> None:
    """Add what the past of the rows leaves unknown; ``enabled`` gives the rows (n,) of each test.

    A late reading changes what those after it look back on, and in a block that is over what those before it
    look ahead to.
    """
    time, can_change = batch.arrivals.time, batch.can_change
    is_late = past.is_late | (batch.arrivals.series == NO_SERIES)
    needs_bounds = np.logical_or.reduce([enabled[name] for name in BLOCK_TESTS])
    if is_late.any():
        block = np.floor(time / BLOCK) * BLOCK
        start = np.where(block + BLOCK <= batch.spread(finished.newest_before), block, time)
        spans.add_rows(is_late & can_change, start, time + batch.arrivals.look_back, "late")
        # Nor is it remembered which block the station's reading before history was in.
        is_imported = batch.spread([file.is_imported for file in batch.files])
        spans.add_rows(is_imported & can_change, start, time + INSTANT, "memory")
    spans.add_rows(past.is_run_uncertain & can_change, time, time + INSTANT, "late")
    spans.add_rows(past.is_incomplete & can_change, time, time + INSTANT, "memory")
    spans.add_rows(needs_bounds & ~batch.is_published & can_change, time, time + INSTANT, "block")


def add_finished_periods(
    spans: ProvisionalSpans,
    batch: BatchColumns,
    past: Past,
    enabled: Mapping[str, Bools],
    finished: FinishedPeriods,
) -> None:
    """Add the blocks that can enter the baseline, and the hours that can be compared with neighbours."""
    for index, (start, end) in finished.blocks.items():
        spans.add(index, start, end, "block")
    # A parameter that comes after others, when its block or hour is over already.
    time, before = batch.arrivals.time, batch.spread(finished.newest_before)
    is_in_order = ~past.is_late & (batch.arrivals.series != NO_SERIES) & batch.can_change
    block, hour = (np.floor(time / length) * length for length in (BLOCK, HOUR))
    spans.add_rows(is_in_order & (block + BLOCK <= before), block, block + BLOCK, "block")
    compares = enabled[NEIGHBOURS]
    if compares.any():
        for index, (start, end) in finished.hours.items():
            if compares[batch.starts[index] : batch.starts[index + 1]].any():
                spans.add(index, start, end, "neighbours")
        is_over = is_in_order & compares & (hour + HOUR <= before)
        spans.add_rows(is_over, hour, hour + HOUR, "neighbours")
