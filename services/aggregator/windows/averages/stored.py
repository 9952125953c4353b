"""The stored averages around a group's dirty hours, and what the hours become together with them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules
from quantrac.domain.periods import Period
from quantrac.domain.times import DAY, VIETNAM_OFFSET, local_day_starts
from services.aggregator.windows.averages.columns import (
    SeriesRows,
    day_block,
    month_block,
    year_block,
)
from services.aggregator.windows.averages.queries import COUNTS, VERSIONS, AverageTables
from services.aggregator.windows.columns import (
    PERIODS,
    Block,
    Numbers,
    Records,
    average_keys,
    join_blocks,
    match_averages,
    month_numbers,
    month_starts,
    select_rows,
    series_of,
)
from services.aggregator.windows.dirty_hours import HourGroup
from services.aggregator.windows.scope import Scope

_MONTHS_AND_YEARS = [PERIODS.index(period) for period in (Period.MONTH, Period.YEAR)]
# What longer averages are made of.
_MEMBER_COLUMNS = ("series", "starts_at", "unit", "member", *COUNTS, "first_at", "last_at")


class StoredAverages:
    """Reads the averages that those of one group are made of, and compared with; remembers their versions."""

    def __init__(
        self, tables: AverageTables, group: HourGroup, units: Sequence[str], rules: AverageRules
    ) -> None:
        self._tables, self.group, self._units, self._rules = tables, group, units, rules
        self._versions: list[Records] = []

    def compute(self, hours: Block) -> Block:
        """Return dirty hours (at least one) with all longer averages they enter.

        Raises ``ClickHouseError``.
        """
        series, times = series_of(hours, len(self.group.parameters)), hours["starts_at"]
        days = self._compute_days(hours, series, times)
        is_day = days["period"] == PERIODS.index(Period.DAY)
        months = SeriesRows(series, month_starts(month_numbers(times)), self.group.combinations)
        month, members = self._compute_months(select_rows(days, is_day), months)
        return join_blocks([hours, days, month, self._compute_years(month, months, members)])

    def _compute_days(self, hours: Block, series: Numbers, times: Numbers) -> Block:
        """Return the 8-hour means and days of hours that are stored and those that were computed."""
        numbers = (times + VIETNAM_OFFSET) // DAY
        around = np.concatenate([numbers - 1, numbers, numbers + 1])
        stored = self._read(around, [Period.HOUR])
        self._keep_units(hours, stored)
        before = self._scope(np.concatenate([numbers - 1, numbers]))
        self._versions.append(self._tables.current_versions(before, [Period.EIGHT_HOURS]))
        starts = local_day_starts(times)
        days = SeriesRows(series, starts, self.group.combinations)
        return day_block(self._replace(stored, hours), days, (days.find(series, starts)[0], times))

    def _compute_months(self, days: Block, months: SeriesRows) -> tuple[Block, NDArray[np.float64]]:
        """Return the months of ``days`` and all others stored of them, and their members (months x days)."""
        stored = self._read(_days_of(month_numbers(months.starts)), [Period.DAY])
        return month_block(self._replace(stored, days), months)

    def _compute_years(self, month: Block, months: SeriesRows, members: NDArray[np.float64]) -> Block:
        """Return the years of touched ``months``: of these and of all others that are stored."""
        touched = month_numbers(months.starts)
        january = touched // 12 * 12
        years = SeriesRows(months.series, month_starts(january), self.group.combinations)
        candidates = (np.unique(january)[:, None] + np.arange(12)).ravel()
        starts = (month_starts(candidates) + VIETNAM_OFFSET) // DAY
        stored = self._read(starts, [Period.MONTH, Period.YEAR])
        stored = stored[stored["period"] == PERIODS.index(Period.MONTH)]
        parts = []
        if remaining := self._other_months(candidates, touched):
            records = self._tables.months(self._scope(_days_of(np.array(remaining))))
            number = records["month"].astype(np.int64)
            parts.append((series_of(records, len(self.group.parameters)), number, records["members"]))
        # The touched months come last: they count where both have one.
        parts.append((months.series, touched, members))
        return year_block(self._replace(stored, month), years, parts)

    def versions(self) -> Records:
        """Return the current version of every average read (:data:`..queries.VERSIONS`)."""
        return np.concatenate(self._versions)

    def highest_versions(self, block: Block) -> Records:
        """Return the highest versions ever written of a block's averages; raises ``ClickHouseError``."""
        is_long = np.isin(block["period"], _MONTHS_AND_YEARS)
        records = [np.zeros(0, VERSIONS)]
        # The hours between the starts of two months are none of those asked for.
        for selected in (~is_long, is_long):
            if selected.any():
                days = (block["starts_at"][selected] + VIETNAM_OFFSET) // DAY
                periods = [PERIODS[index] for index in np.unique(block["period"][selected])]
                records.append(self._tables.highest_versions(self._scope(days), periods))
        return np.concatenate(records)

    def _read(self, days: Numbers, periods: Sequence[Period]) -> Records:
        """Read the averages that start on some days (counted from 1970), and remember their versions."""
        records = self._tables.read_averages(self._scope(days), periods)
        self._versions.append(records[list(VERSIONS.names or ())].astype(VERSIONS))
        return records

    def _keep_units(self, hours: Block, stored: Records) -> None:
        """Leave hours without readings the unit that is stored of them."""
        empty = np.flatnonzero(hours["received"] == 0)
        if len(empty):
            parameters = len(self.group.parameters)
            keys = average_keys(select_rows(hours, empty), parameters)
            records, is_stored = match_averages(stored, keys, parameters)
            hours["unit"][empty] = np.where(is_stored, records["unit"], 0)

    def _replace(self, stored: Records, computed: Block) -> Block:
        """Return stored averages as columns, with those in place of them that were computed anew."""
        parameters = len(self.group.parameters)
        replaced = np.isin(average_keys(stored, parameters), average_keys(computed, parameters))
        rest = stored[~replaced]
        before = {name: rest[name].astype(np.int64) for name in _MEMBER_COLUMNS[1:] if name != "member"}
        before |= {"series": series_of(rest, parameters), "member": rest["member"]}
        complete = self._rules.complete(computed["count"], computed["expected"])
        values = np.where(np.isnan(computed["total"]), computed["mean"], computed["total"])
        after = computed | {
            "series": series_of(computed, parameters),
            "member": np.where(complete, values, np.nan),
        }
        return {name: np.concatenate([before[name], after[name]]) for name in _MEMBER_COLUMNS}

    def _other_months(self, months: Numbers, touched: Numbers) -> list[int]:
        """Return of the months of the touched years those that not every series has touched."""
        numbers, counts = np.unique(touched, return_counts=True)
        series = len(np.unique(self.group.series))
        return sorted(set(months.tolist()) - set(numbers[counts == series].tolist()))

    def _scope(self, days: Numbers) -> Scope:
        return Scope.of_days(self.group.stations, self.group.parameters, self._units, days)


def _days_of(months: Numbers) -> Numbers:
    """Return the days of some months, both counted from 1970."""
    numbers = np.unique(months)
    first = (month_starts(numbers) + VIETNAM_OFFSET) // DAY
    after = (month_starts(numbers + 1) + VIETNAM_OFFSET) // DAY
    return np.concatenate([np.arange(low, high) for low, high in zip(first, after, strict=True)])
