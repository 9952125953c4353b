"""What the steps of the windows share while they compute one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.periods import Period
from quantrac.domain.times import DAY, HOUR
from quantrac.io.records import Record
from services.aggregator.windows.columns import PERIODS, Block, select_rows
from services.aggregator.windows.dirty_hours import DirtyHours

_COLUMNS = ("station", "parameter", "period", "starts_at", "unit", "mean")


@dataclass(frozen=True, slots=True)
class TouchedAverages:
    """Averages that were computed again, whether or not their result is another one."""

    stations: Sequence[str]
    parameters: Sequence[str]
    rows: Block
    """The columns station, parameter, period, starts_at, unit, and mean: NaN where the average is not
    complete."""


@dataclass(slots=True)
class WindowBatch:
    """Dirty hours, and what the steps have made of them so far."""

    hours: DirtyHours
    since: float
    """What was stored at this time (seconds since 1970) or later may not be published: it is published
    again."""
    unpublished: list[Record]
    """Messages whose rows are stored and which are not produced yet; each step appends its own."""
    touched: list[TouchedAverages] = field(default_factory=list)
    """What the step of the averages has computed."""
    units: Sequence[str] = ("",)
    """What the column ``unit`` of ``touched`` points into."""


class Step(Protocol):
    """One step of the windows; it computes from what the steps before it have stored."""

    def process(self, batch: WindowBatch) -> None:
        """Write what differs from what is stored, and append its messages; raises ``ClickHouseError``.

        What was written before an error has its messages in ``batch.unpublished``.
        """
        ...


def select_touched(
    stations: Sequence[str], parameters: Sequence[str], averages: Block, rules: AverageRules
) -> TouchedAverages:
    """Return of recomputed averages those that are complete, or may have been.

    A period of which less than the required share is over at its last reading has never been complete, so
    nothing was judged by it: of a year that is every file until October. One that has lost all its readings
    may have been.
    """
    # Members that had begun at the last reading, one number an average: days of months and years, else hours.
    member = np.where(averages["expected"] > DAY // HOUR, DAY, HOUR)
    begun = (averages["last_at"] - averages["starts_at"]) // member + 1
    is_hour = averages["period"] == PERIODS.index(Period.HOUR)
    is_empty = averages["received"] == 0
    selected = is_hour | is_empty | rules.complete(begun, averages["expected"]) | averages["complete"]
    rows = select_rows({name: averages[name] for name in (*_COLUMNS, "complete")}, selected)
    rows["mean"] = np.where(rows.pop("complete"), rows["mean"], np.nan)
    return TouchedAverages(stations, parameters, rows)
