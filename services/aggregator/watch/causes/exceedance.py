"""A limit is exceeded: an episode of the windows goes on, and its first average is over.

Closed when a complete average within the limit ends the episode, or corrected data withdraw it. Updated when
the ratio of the peak to the limit has grown by another tenth. An episode that is over when it becomes known
opens nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from quantrac.domain.averaging import Period, month_starts
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import DAY, HOUR, to_whole_seconds
from schemas.codecs.aggregated import AggregatedMessage, ExceedanceMessage
from services.aggregator.watch.causes.cause import Cause, Finding, FindingState, StateOf, write_time
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import Database, Facts, WatchedStation, iterate_rows

# A message that repeats an older state of an episode comes from before the last commit, not from days ago.
_ENDED_FOR = 2 * DAY

_LENGTHS = {Period.HOUR: HOUR, Period.EIGHT_HOURS: 8 * HOUR, Period.DAY: DAY}

EPISODES_SQL = """
SELECT *
FROM
(
    SELECT * FROM exceedances
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

    @property
    def limit(self) -> tuple[str, ...]:
        """Parameter, period, standard and column."""
        return self.message.parameter, self.message.period, self.message.standard, self.message.column

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.message.open and self.message.periods > 0

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
            self.put(Episode(exceedance, to_whole_seconds(message.computed_at)))
        for key, episode in list(self._episodes.items()):
            if not episode.is_open and now - episode.computed_at > _ENDED_FOR:
                del self._episodes[key]

    def put(self, episode: Episode) -> None:
        """Take the state of an episode, unless a later one is known."""
        key = (*episode.limit, write_time(to_whole_seconds(episode.message.starts_at)))
        current = self._episodes.get(key)
        if current is None or current.message.version <= episode.message.version:
            self._episodes[key] = episode

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        """Yield the latest open episode of each limit, once its first average is over."""
        ordered = sorted(self._episodes.values(), key=lambda episode: episode.message.starts_at)
        latest = {
            episode.limit: episode for episode in ordered if episode.is_open and episode.first_end <= now
        }
        for episode in latest.values():
            yield _finding(episode)


def _finding(episode: Episode) -> Finding:
    message = episode.message
    starts_at = write_time(to_whole_seconds(message.starts_at))
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
        "ends_at": write_time(to_whole_seconds(message.ends_at)),
        "periods": message.periods,
        "peak": message.peak,
        "peak_at": write_time(to_whole_seconds(message.peak_at)),
        "ratio": message.ratio,
    }
    limit = " and ".join(f"a {name} of {bound:g}" for name, bound in bounds.items())
    column = f", column {message.column}" if message.column else ""
    detail = (
        f"The {message.period} average of {message.parameter} is beyond {limit} {message.unit} "
        f"({message.standard}{column}) since {starts_at}; "
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
        yield row["station"], Episode(message, to_whole_seconds(row["computed_at"]))


def _load(database: Database, now: int, state_of: StateOf) -> None:
    for station, episode in read_episodes(database, now):
        state: ExceedanceState | None = state_of(station)
        if state is not None:
            state.put(episode)


CAUSE = Cause(
    "limit-exceeded",
    ExceedanceState,
    "The averages are within the limit again, or were corrected.",
    step=_step,
    load=_load,
    limit_facts=("period", "standard", "column"),
)
