"""The flags that the validator would give the readings of one file, by the tests themselves.

Nothing is known but the file: no reading before it, no baseline, no neighbour, no other file of the station.
"""

from collections.abc import Iterator

import numpy as np

from quantrac.domain.inspection.doubt import Doubt
from quantrac.domain.inspection.file import InspectedFile
from quantrac.domain.qa.baseline.neighbour_hours import nobody
from quantrac.domain.qa.checks import grid
from quantrac.domain.qa.checks.table import TEST_INDEX
from quantrac.domain.qa.evaluate import raise_crash
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.explain import Explained, explain
from quantrac.domain.qa.stored.stretch import StationWindows, Stretch, judge_plainly
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.readings import Flag, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.statuses import NOT_COUNTING_STATUSES

_OF_THE_CLOCK = frozenset({"future", "age", "grid", "clock_drift"})
"""Tests of when a reading was taken; of what it says, a device that calibrates or failed says so itself."""


def find_flags(file: InspectedFile, registry: Registry, book: RuleBook) -> Iterator[Doubt]:
    """Yield each outcome that would make a reading suspect or fail, by parameter and time.

    Beside these, a stamp off the steps of the clock: the test of the grid needs readings before it. Without a
    station only what holds for every series is asked, and values are in the units of the file.
    """
    code = file.station.code if file.station else ""
    readings = StationReadings.of_sets(code, [_reading_set(file, code)])
    windows = StationWindows(readings, Expectations(registry, book), (), raise_crash)
    for rows in windows.cut(np.arange(len(readings))):
        stretch = judge_plainly(windows, rows)
        stretch.compare({}, nobody)
        sentences = explain(stretch.window, stretch.thresholds, stretch.outcomes)
        off_clock = _explain_off_clock(stretch)
        for index, row in enumerate(rows.tolist()):
            line, status = int(readings.line[row]), str(readings.status[row])
            for explained in sentences[index]:
                if explained.outcome in (Flag.SUSPECT, Flag.FAIL) and _counts(explained, status):
                    yield Doubt(line, explained.test, explained.outcome, explained.says)
            if index in off_clock:
                yield Doubt(line, "grid", None, off_clock[index])


def _reading_set(file: InspectedFile, code: str) -> ReadingSet:
    return ReadingSet(
        station=code,
        file_id="",
        file_name=file.name,
        account="",
        transport="",
        received_at=file.received_at,
        format=file.parsed.format,
        readings=file.parsed.readings,
    )


def _counts(explained: Explained, status: str) -> bool:
    """Tell whether an outcome speaks against a file: a good logger writes 01 and 02 at their time."""
    return status not in NOT_COUNTING_STATUSES or explained.test in _OF_THE_CLOCK


def _explain_off_clock(stretch: Stretch) -> dict[int, str]:
    """Return by row what the grid would say of stamps that it cannot judge yet, were the phase none."""
    columns = stretch.thresholds["grid"]
    rows = np.flatnonzero(stretch.outcomes[:, TEST_INDEX["grid"]] == Flag.NOT_EVALUATED)
    if not len(rows):
        return {}
    window, tolerance = stretch.window.take(rows), columns["tolerance"][rows]
    on_clock = np.zeros(len(rows))
    with np.errstate(all="ignore"):  # as when judging: NaN is no pass
        outcomes = grid.grid(window, tolerance=tolerance, phase=on_clock)
        sentences = grid.explain(window, tolerance=tolerance, phase=on_clock)
    return {
        int(row): f"{sentence}; suspect, where most readings before are not as far off"
        for row, outcome, sentence in zip(rows, outcomes, sentences, strict=True)
        if outcome == Flag.SUSPECT
    }
