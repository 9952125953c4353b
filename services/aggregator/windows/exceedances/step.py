"""Decides which episodes the averages of a batch make, end or change: the last step of the windows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

import numpy as np

from quantrac.domain.averaging import AverageRules, Period
from quantrac.domain.exceedances import ends, episodes, excess, last_steps, starts, steps
from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import Record
from schemas.codec import encode_aggregated
from services.aggregator.windows.averages.queries import Scope
from services.aggregator.windows.columns import DAY, PERIODS, Block, Numbers, chosen, joined
from services.aggregator.windows.exceedances import columns as rows
from services.aggregator.windows.exceedances import episode as episode_rows
from services.aggregator.windows.exceedances import oxygen as oxygen_rows
from services.aggregator.windows.exceedances.columns import Names, Touched, series_number, series_parts
from services.aggregator.windows.exceedances.episode import Episode
from services.aggregator.windows.exceedances.limits_in_force import OXYGEN, LimitsInForce
from services.aggregator.windows.exceedances.queries import END, ExceedanceTables, Span

# Stations of one query, as of the averages'.
_STATIONS_A_QUERY = 200
# Series of one query: five numbers each travel in the URL beside the stations' codes.
_SERIES_A_QUERY = 100
_EXCEEDANCES_A_MESSAGE = 500

# How far behind an episode of the past its end is looked for before all that followed is read.
_STEPS_AFTER = 24
# What follows a period that has just been over is little: all of it is read at once.
_RECENT = 2 * DAY


class ExceedanceStep:
    """Judges what a batch has touched; the same averages write nothing.

    Stored episodes are maximal runs. So the touched averages, and the episodes that overlap or adjoin them,
    are all that runs can change in; only whether an episode is still open can hang on averages far away. What
    is judged follows from what was touched, not from what came out otherwise: after a death before the
    episodes were written, the averages are stored already.
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
        self._tables, self._registry, self._aggregated, self._clock = tables, registry, aggregated, clock
        self._limits, self._rules = LimitsInForce(registry, limits), rules

    def judge(
        self, touched: Sequence[Touched], units: Sequence[str], since: float, untold: list[Record]
    ) -> None:
        """Write the episodes that differ, and append to ``untold`` what tells them.

        ``units`` are the names of the touched rows' units. Told again is what was stored at ``since``
        (seconds since 1970) or later. Nothing is judged of a station that the registry does not hold. Raises
        ``ClickHouseError``; what was written before that is in ``untold``.
        """
        known = {code for each in touched for code in each.stations if code in self._registry.stations}
        remaining = iter(sorted(known))
        while stations := list(islice(remaining, _STATIONS_A_QUERY)):
            names = Names(stations, units)
            averages = names.gathered(touched)
            if averages:
                changed, again = self._judge(names, averages, int(min(max(since, 0), END)))
                now = self._clock()
                if changed:
                    self._tables.insert(
                        "exceedances", episode_rows.columns(changed, int(now.timestamp() * 1000))
                    )
                self._tell([*changed, *again], now, untold)

    def _judge(self, names: Names, averages: Block, since: int) -> tuple[list["_Version"], list["_Version"]]:
        """Return what is to be written about a group of stations, and what to be told again."""
        held = self._limits.held(names, averages)
        if OXYGEN in names.parameters and self._limits.with_oxygen:
            averages = joined([averages, self._limits.corrected(names, averages)])
            held = self._limits.held(names, averages)
        begun = {
            PERIODS[period]: int(averages["starts_at"][averages["period"] == period].min())
            for period in np.unique(averages["period"]).tolist()
        }
        stored = self._stored(names, names.stations, list(names.parameters), begun, since)
        judged = self._judged(names, averages, held)
        series = self._summaries(judged, {each.series for each in stored.values()})
        regions = {each.series: (each.low, each.high) for each in series.values() if each.beyond}
        before: dict[int, _Stored] = {}
        for known in stored.values():
            each = series.get(known.series)
            if each is None or not known.episode.periods:
                continue
            if known.meets(each) or (known.episode.open and known.last < each.low and each.counts):
                low, high = regions.get(each.series, (each.low, each.high))
                regions[each.series] = min(low, known.first), max(high, known.last)
            elif known.last < each.low and (
                each.series not in before or before[each.series].first < known.first
            ):
                before[each.series] = known
        asked = {number: self._bounds(number, region) for number, region in regions.items()}
        columns = self._read(names, asked)
        undetermined = self._undetermined(names, series, before, columns)
        undetermined |= self._unbounded(names, columns, asked, stored, begun)
        if undetermined:
            places = [series_parts(number) for number in sorted(undetermined)]
            codes = list(names.parameters)
            every = self._stored(
                names,
                sorted({names.stations[station] for station, _, _ in places}),
                sorted({codes[parameter] for _, parameter, _ in places}),
                {PERIODS[period]: 0 for _, _, period in sorted(places)},
                END,
            )
            stored |= {key: each for key, each in every.items() if each.series in undetermined}
            asked |= dict.fromkeys(undetermined, (0, END))
            columns = self._read(names, asked)
        changed = dict(self._different(names, columns, asked, stored))
        again = [
            (names.stations[series_parts(each.series)[0]], each.episode, each.version)
            for key, each in stored.items()
            if each.computed_at >= since and each.series in series and key not in changed
        ]
        return list(changed.values()), again

    def _different(
        self,
        names: Names,
        columns: Block,
        asked: Mapping[int, tuple[int, int]],
        stored: Mapping["_Key", "_Stored"],
    ) -> Iterator[tuple["_Key", "_Version"]]:
        standing = set()
        for number, _, episode in self._episodes(names, columns):
            key = number, *episode.key
            standing.add(key)
            known = stored.get(key)
            if known is None or known.episode != episode:
                version = known.version + 1 if known else 1
                yield key, (names.stations[series_parts(number)[0]], episode, version)
        for key, known in stored.items():
            first, last = asked.get(known.series, (1, 0))
            if known.episode.periods and key not in standing and first <= known.first <= last:
                station = names.stations[series_parts(known.series)[0]]
                yield key, (station, known.episode.withdrawn, known.version + 1)

    def _undetermined(
        self,
        names: Names,
        series: Mapping[int, "_Touched"],
        before: Mapping[int, "_Stored"],
        columns: Block,
    ) -> set[int]:
        """Return the series whose last episode before may be open again.

        It is closed, and none of the touched averages, nor those around them, says so: they may have said so
        when they were others.
        """
        closing = set(columns["series"][self._closes(columns)].tolist())
        asked = {
            number: (known.last + 1, known.last + _STEPS_AFTER)
            for number, known in before.items()
            if not known.episode.open and not series[number].closes and number not in closing
        }
        after = self._read(names, asked)
        return asked.keys() - set(after["series"][self._closes(after)].tolist())

    def _unbounded(
        self,
        names: Names,
        columns: Block,
        asked: Mapping[int, tuple[int, int]],
        stored: Mapping["_Key", "_Stored"],
        begun: Mapping[Period, int],
    ) -> set[int]:
        """Return the series with an episode that what was read does not say all about."""
        found = set()
        for number, first, episode in self._episodes(names, columns):
            low, high = asked[number]
            # It begins where reading did; or it has a name of a time whose versions were not read.
            earlier = first == low or (
                episode.starts_at < begun[Period(episode.period)] and (number, *episode.key) not in stored
            )
            if earlier or (episode.open and high < END):
                found.add(number)
        return found

    def _stored(
        self,
        names: Names,
        stations: Sequence[str],
        parameters: Sequence[str],
        begun: Mapping[Period, int],
        since: int,
    ) -> dict["_Key", "_Stored"]:
        found = self._tables.episodes(stations, parameters, begun, since)
        by_period: dict[Period, list[tuple[str, Episode, int, int]]] = defaultdict(list)
        for row in found:
            by_period[Period(row[1].period)].append(row)
        result = {}
        for period, some in by_period.items():
            first = steps(np.array([each.starts_at for _, each, *_ in some]), period).tolist()
            last = last_steps(np.array([each.ends_at for _, each, *_ in some]), period).tolist()
            place = PERIODS.index(period)
            for (station, episode, *stamps), begin, end in zip(some, first, last, strict=True):
                number = series_number(names.station(station), names.parameters[episode.parameter], place)
                result[number, *episode.key] = _Stored(number, begin, end, episode, *stamps)
        return result

    def _bounds(self, number: int, region: tuple[int, int]) -> tuple[int, int]:
        """Return the first and last step to read: one before the region, and what shows that it ended."""
        low, high = region
        end = int(ends(np.array([high]), PERIODS[series_parts(number)[2]])[0])
        return low - 1, END if end > self._clock().timestamp() - _RECENT else high + _STEPS_AFTER

    def _read(self, names: Names, asked: Mapping[int, tuple[int, int]]) -> Block:
        """Return the averages of series from a step to another one as :meth:`_judged` does."""
        codes, spans = list(names.parameters), []
        for number, (first, last) in asked.items():
            station, parameter, place = series_parts(number)
            period = PERIODS[place]
            start, end = (
                int(starts(np.array([at]), period)[0]) for at in (first, last + 1 if last < END else 0)
            )
            end = end if last < END else END
            spans.append(
                (Span(names.stations[station], codes[parameter], period, max(start, 0), end), number)
            )
        spans.sort(key=lambda each: each[0].start)
        blocks = [_NONE]
        for first in range(0, len(spans), _SERIES_A_QUERY):
            some = spans[first : first + _SERIES_A_QUERY]
            found = self._tables.means([span for span, _ in some], names.units)
            station, parameter, period = series_parts(np.array([number for _, number in some])[found["span"]])
            block = {"station": station, "parameter": parameter, "period": period}
            block |= {name: found[name].astype(np.int64) for name in ("starts_at", "unit")}
            blocks.append(block | {"mean": found["mean"]})
        averages = joined(blocks)
        return self._judged(names, averages, self._limits.held(names, averages))

    def _judged(self, names: Names, averages: Block, held: Numbers) -> Block:
        """Return series, step, mean and held of averages as :func:`episodes` takes them."""
        fits = np.array(
            [names.in_unit(each.unit) for each in self._limits.limits] + [[True] * len(names.units)]
        )
        means = np.where(fits[held, averages["unit"]], averages["mean"], np.nan)
        oxygen = np.flatnonzero(~np.isnan(self._limits.reference(held)))
        if len(oxygen):
            means[oxygen] = self._corrected(names, chosen(averages, oxygen), held[oxygen])
        number = series_number(averages["station"], averages["parameter"], averages["period"])
        step = rows.by_period(steps, averages["starts_at"], averages["period"])
        _, order = np.unique(number << 32 | step, return_index=True)
        return {"series": number[order], "step": step[order], "mean": means[order], "held": held[order]}

    def _corrected(self, names: Names, averages: Block, held: Numbers) -> Numbers:
        """Return the means of averages whose limit has a reference oxygen, from their hours."""
        names.parameter(OXYGEN)
        over = rows.by_period_ends(averages)
        means = np.full(len(held), np.nan)
        for start, end in oxygen_rows.spans_of(averages["starts_at"], over):
            some = np.flatnonzero((averages["starts_at"] >= start) & (over <= end))
            part = chosen(averages, some)
            codes = list(names.parameters)
            parameters = np.unique([*part["parameter"].tolist(), names.parameter(OXYGEN)])
            stations = np.unique(part["station"])
            scope = Scope(
                [names.stations[place] for place in stations.tolist()],
                [codes[place] for place in parameters.tolist()],
                names.units,
                start,
                end,
            )
            hours = self._tables.hours(scope).copy()
            hours["station"], hours["parameter"] = stations[hours["station"]], parameters[hours["parameter"]]
            means[some] = oxygen_rows.corrected_means(
                part, held[some], self._limits.limits, hours, names, self._rules
            )
        return means

    def _episodes(self, names: Names, columns: Block) -> Iterator[tuple[int, int, Episode]]:
        limits = self._limits.limits
        found = episodes(columns["series"], columns["step"], columns["mean"], columns["held"], limits)
        return episode_rows.rows_of_episodes(found, names, limits, columns)

    def _closes(self, columns: Block) -> Numbers:
        """Tell of averages whether they close what was open before."""
        return ~np.isnan(columns["mean"]) & ~(self._excess(columns) > 0)

    def _excess(self, columns: Block) -> Numbers:
        return excess(columns["mean"], columns["held"], self._limits.limits)

    def _summaries(self, columns: Block, stored: Collection[int]) -> dict[int, "_Touched"]:
        """Return what the touched averages are of each series that is beyond a limit, or was."""
        number = columns["series"]
        first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
        last = np.append(first[1:], len(number)) - 1
        counts = ~np.isnan(columns["mean"])
        beyond = self._excess(columns) > 0
        flags = [np.logical_or.reduceat(each, first) for each in (beyond, counts, counts & ~beyond)]
        some = np.flatnonzero(flags[0] | np.isin(number[first], list(stored)))
        lists = (number[first], columns["step"][first], columns["step"][last], *flags)
        found = [_Touched(*each) for each in zip(*(each[some].tolist() for each in lists), strict=True)]
        return {each.series: each for each in found}

    def _tell(self, found: list["_Version"], now: datetime, untold: list[Record]) -> None:
        found.sort(key=lambda each: (each[0], each[1].starts_at))
        for station, some in groupby(found, key=lambda each: each[0]):
            remaining = (episode_rows.told(episode, version) for _, episode, version in some)
            while told := list(islice(remaining, _EXCEEDANCES_A_MESSAGE)):
                value = encode_aggregated(station, now, [], (), told)
                untold.append(Record(self._aggregated, station.encode(), value))


_NONE: Block = {
    **{name: np.zeros(0, np.int64) for name in ("station", "parameter", "period", "starts_at", "unit")},
    "mean": np.zeros(0),
}

_Key = tuple[int, str, str, str, str, int]
"""Series, and what names an episode in its station."""
_Version = tuple[str, Episode, int]
"""Station, episode, version."""


@dataclass(frozen=True, slots=True)
class _Touched:
    """The touched averages of one series."""

    series: int
    low: int
    """Step of the first one."""
    high: int
    beyond: bool
    """Whether one of them is beyond its limit."""
    counts: bool
    """Whether one of them says anything."""
    closes: bool
    """Whether one of them closes what was open before."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """The newest version of a stored episode."""

    series: int
    first: int
    """Step of its first average."""
    last: int
    episode: Episode
    version: int
    computed_at: int

    def meets(self, touched: _Touched) -> bool:
        """Tell whether it overlaps or adjoins what was touched."""
        return self.last >= touched.low - 1 and self.first <= touched.high + 1
