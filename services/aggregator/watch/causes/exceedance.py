"""A limit is exceeded: an episode of the windows goes on, and its first average is over.

Closed when a complete average within the limit ends the episode, or corrected data withdraw it. Updated when
the ratio of the peak to the limit has grown by another tenth. An episode that is over when it becomes known
opens nothing; one that lies back opens nothing for a while, since the next file of a backlog may end it. One
whose last average lies in imported history opens nothing at all.

Late data move the start of an episode, and an average that is missing makes two of one. So an alert goes on
while its episode is open, though a newer one follows after a gap; and when its episode is withdrawn, as long
as one that is open overlaps or adjoins what the alert was about. Of the open episodes of one limit the newest
is what holds.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from quantrac.domain.averaging import month_starts
from quantrac.domain.periods import Period
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import DAY, HOUR, to_whole_seconds
from schemas.codecs.aggregated import AggregatedMessage, ExceedanceMessage
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    States,
    read_time,
    show_time,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    CauseKey,
    Database,
    Facts,
    OpenAlert,
    WatchedStation,
    iterate_rows,
)

_KIND: Final = "limit-exceeded"

# A message that repeats an older state of an episode comes from before the last commit, not from days ago.
_ENDED_FOR = 2 * DAY

_LENGTHS = {Period.HOUR: HOUR, Period.EIGHT_HOURS: 8 * HOUR, Period.DAY: DAY}

EPISODES_SQL = """
SELECT *
FROM
(
    SELECT *,
      min(computed_at) OVER (PARTITION BY station, parameter, period, standard, column, starts_at) AS known_at
    FROM exceedances
    ORDER BY version DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
)
WHERE (open = 1 AND periods > 0) OR computed_at >= toDateTime({start:UInt32}, 'UTC')
"""


@dataclass(frozen=True, slots=True)
class Episode:
    """An exceedance in the state that was published last."""

    message: ExceedanceMessage
    computed_at: int
    known_at: int
    """When its first state was computed, of those that are known."""

    @property
    def limit(self) -> tuple[str, ...]:
        """Parameter, period, standard and column."""
        return self.message.parameter, self.message.period, self.message.standard, self.message.column

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.message.open and self.message.periods > 0

    @property
    def starts_at(self) -> int:
        """When its first average begins."""
        return to_whole_seconds(self.message.starts_at)

    @property
    def ends_at(self) -> int:
        """When its last average is over."""
        return to_whole_seconds(self.message.ends_at)

    @property
    def first_end(self) -> int:
        """When the first of its averages is over."""
        starts_at, period = self.message.starts_at, Period(self.message.period)
        if period in _LENGTHS:
            return to_whole_seconds(starts_at) + _LENGTHS[period]
        if period is Period.YEAR:
            return to_whole_seconds(month_starts(starts_at.year + 1)[-1])  # it starts on 31 December, UTC
        months = (*month_starts(starts_at.year), *month_starts(starts_at.year + 1))
        return to_whole_seconds(next(start for start in months if start > starts_at))


class ExceedanceState(FindingState):
    """The episodes of all limits."""

    __slots__ = ("_episodes",)

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._episodes: dict[tuple[str, ...], Episode] = {}
        """By parameter, period, standard, column and start; ended ones for a while."""

    def take_aggregated(self, message: AggregatedMessage, now: int) -> None:
        """Take the states of episodes; an older one changes nothing."""
        for exceedance in message.exceedances:
            computed_at = to_whole_seconds(message.computed_at)
            self.put(Episode(exceedance, computed_at, known_at=computed_at))
        for key, episode in list(self._episodes.items()):
            if not episode.is_open and now - episode.computed_at > _ENDED_FOR:
                del self._episodes[key]

    def put(self, episode: Episode) -> None:
        """Take the state of an episode, unless a later one is known."""
        key = (*episode.limit, write_time(episode.starts_at))
        current = self._episodes.get(key)
        if current is None:
            self._episodes[key] = episode
        elif current.message.version <= episode.message.version:
            self._episodes[key] = replace(episode, known_at=current.known_at)

    def replace(self, episodes: Iterable[Episode]) -> None:
        """Take what is stored in the place of what is remembered."""
        self._episodes = {(*episode.limit, write_time(episode.starts_at)): episode for episode in episodes}

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        """Yield the latest open episode of each limit, once its first average is over."""
        by_limit: dict[tuple[str, ...], list[Episode]] = {}
        for episode in sorted(self._episodes.values(), key=lambda episode: episode.starts_at):
            if episode.is_open and episode.first_end <= now and not self._is_history(episode):
                by_limit.setdefault(episode.limit, []).append(episode)
        for (parameter, *limit), episodes in by_limit.items():
            alert = self.station.open.get(CauseKey(_KIND, parameter, tuple(limit)))
            if alert is not None and self._goes_on(alert, episodes):
                yield replace(_finding(episodes[-1]), opened_at=alert.opened_at)
            elif current := [episode for episode in episodes if not _may_be_over(episode, rules, now)]:
                yield replace(_finding(current[-1]), lies_back=_lies_back(current[-1], rules, now))

    def _is_history(self, episode: Episode) -> bool:
        """Tell whether the last average of an episode begins in what was imported."""
        length = episode.first_end - episode.starts_at
        return episode.ends_at - length <= self.station.imported_at

    def _goes_on(self, alert: OpenAlert, episodes: Sequence[Episode]) -> bool:
        """Tell whether what an alert is about is still open, be it as another one of the open episodes."""
        start, end = (read_time(alert.facts[name]) for name in ("starts_at", "ends_at"))
        own = self._episodes.get((*episodes[0].limit, write_time(start)))
        if own is not None and own.message.periods > 0:
            return own.is_open
        if own is not None:  # withdrawn: it had come this far
            end = max(end, own.ends_at)
        return any(episode.starts_at <= end and episode.ends_at > start for episode in episodes)


def _lies_back(episode: Episode, rules: WatchRules, now: int) -> bool:
    """Tell whether an episode's last average was over so long ago that late data may end it."""
    return now - episode.ends_at >= rules.late


def _may_be_over(episode: Episode, rules: WatchRules, now: int) -> bool:
    """Tell whether an episode lies back and became known just now, as from the first file of a backlog."""
    return _lies_back(episode, rules, now) and now - episode.known_at < rules.backlog_window


def _finding(episode: Episode) -> Finding:
    message = episode.message
    starts_at = write_time(episode.starts_at)
    bounds: dict[str, str | float] = {
        name: bound
        for name, bound in (("minimum", message.minimum), ("maximum", message.maximum))
        if bound is not None
    }
    facts: dict[str, str | float] = {
        **bounds,
        "period": message.period,
        "standard": message.standard,
        "column": message.column,
        "unit": message.unit,
        "starts_at": starts_at,
        "ends_at": write_time(episode.ends_at),
        "periods": message.periods,
        "peak": message.peak,
        "peak_at": write_time(to_whole_seconds(message.peak_at)),
        "ratio": message.ratio,
    }
    limit = " and ".join(f"a {name} of {bound:g}" for name, bound in bounds.items())
    column = f", column {message.column}" if message.column else ""
    detail = (
        f"The {message.period} average of {message.parameter} is beyond {limit} {message.unit} "
        f"({message.standard}{column}) since {show_time(episode.starts_at)}; "
        f"peak {message.peak:g} {message.unit}, {message.ratio:.2f} times the limit."
    )
    key = (message.period, message.standard, message.column)
    name = "/".join(filter(None, (*key, starts_at)))
    return Finding(episode.first_end, detail, facts, "critical", message.parameter, key, name)


def _step(facts: Facts, rules: WatchRules) -> object:
    """Count how many times the ratio has grown by the share that the alert is updated for."""
    return math.floor(math.log(max(float(facts["ratio"]), 1.0)) / math.log1p(rules.growth))


def read_episodes(database: Database, now: int) -> Iterator[tuple[str, Episode]]:
    """Yield (station, episode) of those that go on or were computed in the last two days.

    Raises ``ClickHouseError``.
    """
    for row in iterate_rows(database.columns(EPISODES_SQL, {"start": now - _ENDED_FOR})):
        fields = {name: row[name] for name in ExceedanceMessage.__struct_fields__}
        message = msgspec.convert(fields | {"open": bool(row["open"])}, ExceedanceMessage)
        times = to_whole_seconds(row["computed_at"]), to_whole_seconds(row["known_at"])
        yield row["station"], Episode(message, *times)


def _load(database: Database, states: States, now: int) -> None:
    stored: dict[str, list[Episode]] = {}
    for station, episode in read_episodes(database, now):
        stored.setdefault(station, []).append(episode)
    for station in stored:
        states.of(station)  # made where there was none
    for state in states:
        state.replace(stored.get(state.station.code, ()))


CAUSE = Cause(
    _KIND,
    ExceedanceState,
    "The averages are within the limit again, or were corrected.",
    step=_step,
    load=_load,
    limit_facts=("period", "standard", "column"),
)
