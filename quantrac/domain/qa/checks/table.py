"""The table of tests: what is not here does not run, and a rule file cannot name it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from quantrac.domain.qa.checks import (
    against_other,
    age,
    climatology,
    clock_drift,
    drops_with,
    duplicate,
    equipment_range,
    error_code,
    flat_line,
    future,
    gap,
    grid,
    negative,
    neighbours,
    own_range,
    own_rate,
    physical_range,
    rate_of_change,
    spike,
    status,
    stuck,
    sum_of_parts,
    unit,
    zero,
)
from quantrac.domain.qa.window import Outcomes


@dataclass(frozen=True, slots=True)
class Test:
    """One quality test; both functions take a window and the test's thresholds by keyword."""

    __test__ = False  # not one of pytest's

    judge: Callable[..., Outcomes]
    """Returns one outcome a row (n,)."""
    explain: Callable[..., list[str]]
    """Returns one sentence a row: the numbers compared, or what was lacking where it could not judge."""
    look_back: tuple[str, ...] = ()
    """The thresholds in minutes that say how far back in its series the test looks."""
    second_stage: bool = False
    """Whether it needs to know what the other tests said about other parameters."""
    on_missing: bool = False
    """Whether it judges missing values; every other test is asked about values only."""
    on_qualified: bool = False
    """Whether it judges values beyond a limit of the method, such as ``<0.2``. Most tests compare a value as
    measured with others: a series of ``<0.2`` is no stuck sensor, and the step out of it is none."""
    on_counter: bool = False
    """Whether it judges running sums, which rise, stand still and begin again where nothing is wrong."""
    baseline: bool = False
    """Whether it compares with the baseline of the series or with its neighbours; a baseline holds only
    readings that all other tests let pass."""


TESTS: Mapping[str, Test] = {
    "status": Test(status.status, status.explain, on_qualified=True, on_counter=True),
    "gap": Test(gap.gap, gap.explain, on_missing=True, on_counter=True),
    "unit": Test(unit.unit, unit.explain, on_qualified=True, on_counter=True),
    "error_code": Test(error_code.error_code, error_code.explain, on_counter=True),
    "equipment_range": Test(equipment_range.equipment_range, equipment_range.explain, on_counter=True),
    "physical_range": Test(
        physical_range.physical_range, physical_range.explain, on_qualified=True, on_counter=True
    ),
    "zero": Test(zero.zero, zero.explain, look_back=("after", "fail_after")),
    "negative": Test(negative.negative, negative.explain, on_qualified=True, on_counter=True),
    "flat_line": Test(flat_line.flat_line, flat_line.explain, look_back=("fail_after",)),
    "spike": Test(spike.spike, spike.explain, look_back=("minutes",)),
    "rate_of_change": Test(rate_of_change.rate_of_change, rate_of_change.explain, look_back=("minutes",)),
    "against_other": Test(against_other.against_other, against_other.explain),
    "sum_of_parts": Test(sum_of_parts.sum_of_parts, sum_of_parts.explain),
    "drops_with": Test(drops_with.drops_with, drops_with.explain, second_stage=True),
    "climatology": Test(climatology.climatology, climatology.explain),
    "stuck": Test(stuck.stuck, stuck.explain, baseline=True),
    "own_range": Test(own_range.own_range, own_range.explain, baseline=True),
    "own_rate": Test(own_rate.own_rate, own_rate.explain, look_back=("minutes",), baseline=True),
    "neighbours": Test(neighbours.neighbours, neighbours.explain, baseline=True),
    "future": Test(future.future, future.explain, on_qualified=True, on_counter=True),
    "age": Test(age.age, age.explain, on_qualified=True, on_counter=True),
    "grid": Test(grid.grid, grid.explain, on_qualified=True, on_counter=True),
    "clock_drift": Test(
        clock_drift.clock_drift,
        clock_drift.explain,
        look_back=("minutes",),
        on_qualified=True,
        on_counter=True,
    ),
    "duplicate": Test(duplicate.duplicate, duplicate.explain, on_counter=True),
}

# The three runs of the batch form, in their order.
PLAIN_TESTS: Mapping[str, Test] = {
    name: test for name, test in TESTS.items() if not (test.baseline or test.second_stage)
}
BASELINE_TESTS: Mapping[str, Test] = {
    name: test for name, test in TESTS.items() if test.baseline and not test.second_stage
}
SECOND_STAGE_TESTS: Mapping[str, Test] = {
    # The first stage is over when they run, so that they are the first stage of their own run.
    name: replace(test, second_stage=False)
    for name, test in TESTS.items()
    if test.second_stage
}
NEIGHBOURS = "neighbours"
TEST_INDEX = {name: index for index, name in enumerate(TESTS)}
"""Index of each test's column in a matrix of outcomes (n, tests)."""


def thresholds_of(test: Test) -> dict[str, inspect.Parameter]:
    """Return a test's thresholds by keyword.

    >>> list(thresholds_of(TESTS["equipment_range"]))
    ['low', 'high']
    """
    parameters = inspect.signature(test.judge).parameters
    return {
        name: parameter for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
    }
