"""Decides which episodes the averages of a batch make, end or change: the last step of the windows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.exceedances import episodes
from quantrac.domain.limits import LimitBook
from quantrac.domain.periods import Period
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import to_milliseconds
from quantrac.io.records import Record
from schemas.codecs.aggregated import encode_aggregated
from services.aggregator.windows.batch import WindowBatch
from services.aggregator.windows.columns import PERIODS, Block
from services.aggregator.windows.exceedances.columns import Names, series_parts
from services.aggregator.windows.exceedances.episode import (
    Episode,
    EpisodeVersion,
    episode_columns,
    episode_rows,
    to_message,
)
from services.aggregator.windows.exceedances.limits_in_force import LimitsInForce
from services.aggregator.windows.exceedances.queries import END, ExceedanceTables
from services.aggregator.windows.exceedances.reader import STEPS_AFTER, AverageReader, StepRange
from services.aggregator.windows.exceedances.stored import (
    EpisodeKey,
    StoredEpisode,
    TouchedSeries,
    read_episodes,
)

# A country's: their codes are bound in each query.
_STATIONS_A_QUERY = 2_000
_EXCEEDANCES_A_MESSAGE = 500


class ExceedanceStep:
    """Judges what a batch has touched; the same averages write nothing.

    Stored episodes are maximal runs. So the touched averages, and the episodes that overlap or adjoin them,
    are all that runs can change in; only whether an episode is still open can depend on averages far away.
    What is judged follows from what was touched, not from which averages have another result: after a death
    before the episodes were written, the averages are stored already.
    """

    def __init__(
        self,
        tables: ExceedanceTables,
        registry: Registry,
        limits: LimitBook,
        *,
        aggregated: str,
        clock: Callable[[], datetime],
        rules: AverageRules = AverageRules(),  # noqa: B008  # frozen
    ) -> None:
        """``aggregated`` is the topic."""
        self._tables, self._registry, self._aggregated, self._clock = tables, registry, aggregated, clock
        self._limits, self._rules = LimitsInForce(registry, limits), rules

    def process(self, batch: WindowBatch) -> None:
        """Write the episodes that differ; see :class:`services.aggregator.windows.batch.Step`.

        Nothing is judged of a station that the registry does not hold.
        """
        since = int(min(max(batch.since, 0), END))
        codes = {code for averages in batch.touched for code in averages.stations}
        remaining = iter(sorted(codes & self._registry.stations.keys()))
        while stations := list(islice(remaining, _STATIONS_A_QUERY)):
            names = Names(stations, batch.units)
            averages = names.gather(batch.touched)
            if averages:
                changed, again = self._judge(names, averages, since)
                now = self._clock()
                if changed:
                    self._tables.insert("exceedances", episode_columns(changed, to_milliseconds(now)))
                batch.unpublished += self._messages([*changed, *again], now)

    def _judge(
        self, names: Names, averages: Block, since: int
    ) -> tuple[list[EpisodeVersion], list[EpisodeVersion]]:
        """Return what is to be written about a group of stations, and what is to be published again."""
        reader = AverageReader(self._tables, self._limits, names, clock=self._clock, rules=self._rules)
        touched = self._summarise(reader, names, averages, since)
        surroundings = self._read_surroundings(reader, names, touched)
        changed = dict(self._find_changes(names, touched, surroundings))
        again = [
            (names.stations[series_parts(stored.series)[0]], stored.episode, stored.version)
            for key, stored in touched.stored.items()
            if stored.computed_at >= since and stored.series in touched.series and key not in changed
        ]
        return list(changed.values()), again

    # What was touched.

    def _summarise(self, reader: AverageReader, names: Names, averages: Block, since: int) -> "_Touched":
        """Return the touched series, and the stored episodes near what was touched."""
        averages, limit = reader.find_limits(averages)
        earliest = {
            PERIODS[index]: int(averages["starts_at"][averages["period"] == index].min())
            for index in np.unique(averages["period"]).tolist()
        }
        stored = read_episodes(self._tables, names, names.stations, list(names.parameters), earliest, since)
        columns = reader.columns(averages, limit)
        series = _summarise_series(reader, columns, {episode.series for episode in stored.values()})
        return _Touched(series, earliest, stored)

    # What must be read.

    def _read_surroundings(self, reader: AverageReader, names: Names, touched: "_Touched") -> "_Surroundings":
        """Read what the episodes of the touched series can follow from.

        Of most series a few steps are enough. Of those where they are not, all averages and all stored
        episodes are read; the latter are put into ``touched``.
        """
        inside, previous = _relate(touched)
        ranges = {series: reader.range_around(series, steps) for series, steps in inside.items()}
        columns = reader.read(ranges)
        unclear = self._may_be_open_again(reader, touched, previous, columns)
        unclear |= self._reach_further(names, touched, ranges, columns)
        if unclear:
            parts = [series_parts(series) for series in sorted(unclear)]
            codes = list(names.parameters)
            stored = read_episodes(
                self._tables,
                names,
                sorted({names.stations[station] for station, _, _ in parts}),
                sorted({codes[parameter] for _, parameter, _ in parts}),
                {PERIODS[period]: 0 for _, _, period in sorted(parts)},
                END,
            )
            touched.stored |= {key: value for key, value in stored.items() if value.series in unclear}
            ranges |= dict.fromkeys(unclear, (0, END))
            columns = reader.read(ranges)
        return _Surroundings(ranges, columns)

    @staticmethod
    def _may_be_open_again(
        reader: AverageReader,
        touched: "_Touched",
        previous: Mapping[int, StoredEpisode],
        columns: Block,
    ) -> set[int]:
        """Return the series whose last episode before what was touched may be open again.

        It is stored as closed, but no average read here closes it; the one that did may have been corrected.
        """
        closed = set(columns["series"][reader.closes(columns)].tolist())
        ranges = {
            series: (stored.last + 1, stored.last + STEPS_AFTER)
            for series, stored in previous.items()
            if not stored.episode.open and not touched.series[series].closes and series not in closed
        }
        following = reader.read(ranges)
        return ranges.keys() - set(following["series"][reader.closes(following)].tolist())

    def _reach_further(
        self,
        names: Names,
        touched: "_Touched",
        ranges: Mapping[int, StepRange],
        columns: Block,
    ) -> set[int]:
        """Return the series with an episode that goes on beyond what was read."""
        further = set()
        for series, first, episode in self._episodes(names, columns):
            low, high = ranges[series]
            # It begins where reading did, or its key is of a time whose stored versions were not read.
            begins_before = first == low or (
                episode.starts_at < touched.earliest[Period(episode.period)]
                and (series, *episode.key) not in touched.stored
            )
            if begins_before or (episode.open and high < END):
                further.add(series)
        return further

    # What changed.

    def _find_changes(
        self, names: Names, touched: "_Touched", surroundings: "_Surroundings"
    ) -> Iterator[tuple[EpisodeKey, EpisodeVersion]]:
        """Yield the next versions of episodes that are new, differ from what is stored, or exist no more."""
        current = set()
        for series, _, episode in self._episodes(names, surroundings.columns):
            key = series, *episode.key
            current.add(key)
            stored = touched.stored.get(key)
            if stored is None or stored.episode != episode:
                version = stored.version + 1 if stored else 1
                yield key, (names.stations[series_parts(series)[0]], episode, version)
        for key, stored in touched.stored.items():
            first, last = surroundings.ranges.get(stored.series, (1, 0))
            if stored.episode.periods and key not in current and first <= stored.first <= last:
                station = names.stations[series_parts(stored.series)[0]]
                yield key, (station, stored.episode.withdraw(), stored.version + 1)

    def _episodes(self, names: Names, columns: Block) -> Iterator[tuple[int, int, Episode]]:
        """Yield (series, first step, episode) of averages."""
        limits = self._limits.limits
        runs = episodes(columns["series"], columns["step"], columns["mean"], columns["limit"], limits)
        return episode_rows(runs, names, limits, columns)

    def _messages(self, versions: Sequence[EpisodeVersion], now: datetime) -> Iterator[Record]:
        """Yield the messages of some versions, each of one station."""
        ordered = sorted(versions, key=lambda version: (version[0], version[1].starts_at))
        for station, group in groupby(ordered, key=lambda version: version[0]):
            remaining = (to_message(episode, version) for _, episode, version in group)
            while part := list(islice(remaining, _EXCEEDANCES_A_MESSAGE)):
                value = encode_aggregated(station, now, [], (), part)
                yield Record(self._aggregated, station.encode(), value)


@dataclass(slots=True)
class _Touched:
    """What a batch has touched of a group of stations."""

    series: Mapping[int, TouchedSeries]
    """Those that are beyond a limit, or were."""
    earliest: Mapping[Period, int]
    """The first start among what was touched, in seconds since 1970."""
    stored: dict[EpisodeKey, StoredEpisode]
    """The episodes that may be changed, or published again."""


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What was read."""

    ranges: Mapping[int, StepRange]
    """By series."""
    columns: Block
    """The averages of these steps; see :class:`AverageReader`."""


def _summarise_series(
    reader: AverageReader, columns: Block, stored: Collection[int]
) -> dict[int, TouchedSeries]:
    """Return the summary of each touched series that is beyond a limit, or is one of ``stored``."""
    series = columns["series"]
    # The first and the last row of each series.
    first = np.flatnonzero(np.append(True, series[1:] != series[:-1]))
    last = np.append(first[1:], len(series)) - 1
    # Masks, one an average; then whether one of a series' averages is in each, one number a series.
    counts = ~np.isnan(columns["mean"])
    beyond = reader.excess(columns) > 0
    flags = [np.logical_or.reduceat(mask, first) for mask in (beyond, counts, counts & ~beyond)]
    selected = np.flatnonzero(flags[0] | np.isin(series[first], list(stored)))
    values = (series[first], columns["step"][first], columns["step"][last], *flags)
    rows = zip(*(column[selected].tolist() for column in values), strict=True)
    return {row[0]: TouchedSeries(*row) for row in rows}


def _relate(touched: _Touched) -> tuple[dict[int, StepRange], dict[int, StoredEpisode]]:
    """Return by series the steps in which episodes can change, and the last stored episode before them.

    They are the touched steps, and those of the stored episodes that meet them or are open.
    """
    inside = {item.series: (item.first, item.last) for item in touched.series.values() if item.beyond}
    previous: dict[int, StoredEpisode] = {}
    for stored in touched.stored.values():
        series = touched.series.get(stored.series)
        if series is None or not stored.episode.periods:
            continue
        is_before = stored.last < series.first
        if stored.meets(series) or (stored.episode.open and is_before and series.counts):
            low, high = inside.get(series.series, (series.first, series.last))
            inside[series.series] = min(low, stored.first), max(high, stored.last)
        elif is_before and (series.series not in previous or previous[series.series].first < stored.first):
            previous[series.series] = stored
    return inside, previous
