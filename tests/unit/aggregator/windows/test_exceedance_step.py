"""The windows' last step with tables in memory: scenarios, and any history against a plain loop."""

from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from quantrac.domain.averaging import AverageRules
from services.aggregator.windows.batch import select_touched
from services.aggregator.windows.columns import PERIODS
from support.effort import examples
from support.exceedance_suite import ExceedanceSuite
from support.exceedances import AIR, NEW_YEAR, WorldInMemory, any_history, equals_a_recomputation


@pytest.fixture
def world() -> WorldInMemory:
    return WorldInMemory()


class TestInMemory(ExceedanceSuite):
    """Each scenario over tables in memory."""


def test_a_batch_within_all_limits_asks_one_question_more(world: WorldInMemory) -> None:
    world.put("O3", 0, [100.0] * 24)
    world.put("PM2.5", 0, [20.0] * 24)
    world.flush()
    assert [name for name in world.database.asked if name in {"means", "episodes"}] == ["episodes"]


def test_a_period_that_can_never_have_been_complete_is_left_out() -> None:
    start = int(NEW_YEAR.timestamp())
    hours = np.array([5, 17, 18, 18])
    block = {
        "station": np.zeros(4, int),
        "parameter": np.zeros(4, int),
        "period": np.array([PERIODS.index(each) for each in ("hour", "day", "day", "day")]),
        "starts_at": np.full(4, start),
        "unit": np.zeros(4, int),
        "mean": np.array([1.0, 2.0, 3.0, 4.0]),
        "last_at": start + hours * 3600 - 1,  # in the last second of the 5th, the 17th, the 18th hour
        "expected": np.array([12, 24, 24, 24]),
        "received": np.full(4, 9),
        "complete": np.array([False, False, False, True]),
    }
    found = select_touched([AIR], ["O3"], block, AverageRules())
    assert found.rows["mean"].tolist()[2:] == [4.0]
    assert np.isnan(found.rows["mean"]).tolist() == [True, True, False]


@settings(max_examples=examples(60))
@any_history
def test_any_history_leaves_what_the_final_readings_make(history: Any) -> None:
    world = WorldInMemory()
    world.now = NEW_YEAR
    equals_a_recomputation(world, history)
