"""Finds what two tiers do not have alike, in steps: year, month, day, hour, row."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.reconciliation.differences import (
    Difference,
    Kind,
    Source,
    Subject,
    Sum,
    SumKey,
    compare_rows,
)
from quantrac.domain.reconciliation.levels import LEVELS, Level, count_periods, period_end, period_start

_Sums = Mapping[SumKey, Sum]

# Rows of a station that one question asks for: 48 hours of 15 parameters every five minutes.
_HOURS_OF_ROWS = 48


@dataclass(slots=True)
class Walk:
    """One comparison of two tiers over ``[start, end)``, UTC."""

    province: Source
    ministry: Source
    subject: Subject
    start: datetime
    end: datetime
    station: str | None = None
    """``None`` = all stations that the ministry shows."""
    rows: int = 0
    """Rows of the province in the span, once the walk has begun."""
    first_year: datetime | None = None
    """Start of the first year of which the province has rows; ``None`` where it has none."""
    unequal_sums: int = 0
    """Hours whose sums differ though each of their rows is equal: what a tier keeps is out of date."""

    def find(self) -> Iterator[list[Difference]]:
        """Yield the differences by station and time, those of at most two days together.

        A station that the ministry does not know is one difference, whatever it has.
        """
        province, ministry = self._sums(Level.YEAR, self.start, self.end, self.station)
        self.rows = sum(total.rows for total in province.values())
        self.first_year = min((key.starts_at for key in province), default=None)
        years: dict[str, list[datetime]] = defaultdict(list)
        for key in sorted(_different(province, ministry)):
            years[key.station].append(key.starts_at)
        answering = {key.station for key in ministry}
        for station, periods in years.items():
            if station in answering or self.ministry.has_station(station):
                yield from self._descend(station, Level.YEAR, periods)
            else:
                rows = sum(total.rows for key, total in province.items() if key.station == station)
                yield [Difference(self.subject, Kind.MISSING_AT_MINISTRY, station, rows=rows)]

    def _descend(self, station: str, level: Level, periods: Sequence[datetime]) -> Iterator[list[Difference]]:
        """Yield the differences of a station in ``periods`` of a level, which are sorted."""
        longest = _HOURS_OF_ROWS if level is Level.HOUR else len(periods)
        for run_start, run_end in join_periods(level, periods, longest):
            start, end = max(run_start, self.start), min(run_end, self.end)
            following = _next_level(level, start, end)
            if following is None:
                yield from self._compare_rows(station, start, end)
                continue
            sums = self._sums(following, start, end, station)
            different = sorted(key.starts_at for key in _different(*sums))
            yield from self._descend(station, following, different)

    def _compare_rows(self, station: str, start: datetime, end: datetime) -> Iterator[list[Difference]]:
        province, ministry = (
            source.rows(self.subject, station, start, end) for source in (self.province, self.ministry)
        )
        differences = list(compare_rows(self.subject, station, province, ministry))
        if differences:
            yield differences
        hours = {period_start(Level.HOUR, d.key.time) for d in differences if d.key is not None}
        self.unequal_sums += max(0, count_periods(Level.HOUR, start, end) - len(hours))

    def _sums(self, level: Level, start: datetime, end: datetime, station: str | None) -> tuple[_Sums, _Sums]:
        province = self.province.sums(self.subject, level, start, end, station)
        return province, self.ministry.sums(self.subject, level, start, end, station)


def _different(province: _Sums, ministry: _Sums) -> set[SumKey]:
    return {key for key in province.keys() | ministry.keys() if province.get(key) != ministry.get(key)}


def join_periods(
    level: Level, starts: Sequence[datetime], longest: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield start and end of each run of periods that follow one another, of at most ``longest`` periods."""
    run: list[datetime] = []
    for start in starts:
        if run and (len(run) == longest or period_end(level, run[-1]) != start):
            yield run[0], period_end(level, run[-1])
            run = []
        run.append(start)
    if run:
        yield run[0], period_end(level, run[-1])


def _next_level(level: Level, start: datetime, end: datetime) -> Level | None:
    """Return the next level that divides a span; ``None`` where its rows are the next step.

    A level of which the span is one period would only say again what is known.
    """
    for following in LEVELS[LEVELS.index(level) + 1 :]:
        if count_periods(following, start, end) > 1:
            return following
    return None
