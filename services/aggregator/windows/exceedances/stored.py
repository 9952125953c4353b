"""Stored episodes, and what was touched of their series."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from quantrac.domain.exceedances import last_steps, steps
from quantrac.domain.periods import Period
from services.aggregator.windows.columns import PERIODS
from services.aggregator.windows.exceedances.columns import Names, series_number
from services.aggregator.windows.exceedances.episode import Episode
from services.aggregator.windows.exceedances.queries import ExceedanceTables

EpisodeKey = tuple[int, str, str, str, str, int]
"""Series, and what names an episode in its station."""


@dataclass(frozen=True, slots=True)
class TouchedSeries:
    """The touched averages of one series."""

    series: int
    first: int
    """Step of the first one."""
    last: int
    beyond: bool
    """Whether one of them is beyond its limit."""
    counts: bool
    """Whether one of them counts."""
    closes: bool
    """Whether one of them closes what was open before."""


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """The newest version of a stored episode."""

    series: int
    first: int
    """Step of its first average."""
    last: int
    episode: Episode
    version: int
    computed_at: int
    """Seconds since 1970, UTC."""

    def meets(self, touched: TouchedSeries) -> bool:
        """Tell whether it overlaps or adjoins what was touched."""
        return self.last >= touched.first - 1 and self.first <= touched.last + 1


def read_episodes(  # noqa: PLR0917
    tables: ExceedanceTables,
    names: Names,
    stations: Sequence[str],
    parameters: Sequence[str],
    earliest: Mapping[Period, int],
    since: int,
) -> dict[EpisodeKey, StoredEpisode]:
    """Read stored episodes; see :meth:`ExceedanceTables.episodes`. Raises ``ClickHouseError``."""
    rows_of_period: dict[Period, list[tuple[str, Episode, int, int]]] = defaultdict(list)
    for row in tables.episodes(stations, parameters, earliest, since):
        rows_of_period[Period(row[1].period)].append(row)
    stored = {}
    for period, rows in rows_of_period.items():
        # First and last step of each episode.
        first = steps(np.array([episode.starts_at for _, episode, *_ in rows]), period).tolist()
        last = last_steps(np.array([episode.ends_at for _, episode, *_ in rows]), period).tolist()
        index = PERIODS.index(period)
        for (station, episode, *stamps), begin, end in zip(rows, first, last, strict=True):
            series = series_number(names.station(station), names.parameters[episode.parameter], index)
            stored[series, *episode.key] = StoredEpisode(series, begin, end, episode, *stamps)
    return stored
