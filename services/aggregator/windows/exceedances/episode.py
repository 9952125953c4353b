"""Episodes beyond a limit: as rows, as columns, as messages. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from quantrac.domain.exceedances import Episodes, ends, starts
from quantrac.domain.limits import Limit
from quantrac.domain.times import from_seconds
from schemas.codecs.aggregated import ExceedanceMessage
from services.aggregator.windows.columns import PERIODS, Block
from services.aggregator.windows.exceedances.columns import Names, by_period, series_parts


class Episode(NamedTuple):
    """One row of ``exceedances`` without its station and version."""

    parameter: str
    period: str
    standard: str
    column: str
    minimum: float | None
    maximum: float | None
    unit: str
    starts_at: int
    ends_at: int
    periods: int
    peak: float
    peak_at: int
    ratio: float
    open: bool

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names it within its station."""
        return (*self[:4], self.starts_at)

    def withdraw(self) -> "Episode":
        """Return the version that says there is nothing left of it."""
        return self._replace(periods=0, open=False)


EpisodeVersion = tuple[str, Episode, int]
"""Station, episode, version."""


def episode_rows(
    runs: Episodes, names: Names, limits: Sequence[Limit], averages: Block
) -> Iterator[tuple[int, int, Episode]]:
    """Yield (series, first step, episode).

    ``averages``: the columns series, step, mean, limit of what ``runs`` was made of.
    """
    codes = list(names.parameters)
    # One number an episode, each of them.
    series = averages["series"][runs.first]
    _, parameter, period = series_parts(series)
    first, last, peak = (averages["step"][rows] for rows in (runs.first, runs.last, runs.peak))
    columns = (
        *(column.tolist() for column in (series, first, parameter, period, averages["limit"][runs.first])),
        *(by_period(starts, column, period).tolist() for column in (first, peak)),
        by_period(ends, last, period).tolist(),
        (runs.last - runs.first + 1).tolist(),
        averages["mean"][runs.peak].tolist(),
        runs.ratio.tolist(),
        runs.open.tolist(),
    )
    for number, step, code, length, index, start, peak_at, end, count, mean, ratio, is_open in zip(
        *columns, strict=True
    ):
        limit = limits[index]
        key = codes[code], PERIODS[length].value, limit.standard, limit.column
        values = limit.minimum, limit.maximum, limit.unit
        yield number, step, Episode(*key, *values, start, end, count, mean, peak_at, ratio, is_open)


def episode_columns(versions: Sequence[EpisodeVersion], computed_at: int) -> dict[str, list[Any]]:
    """Return the columns of ``exceedances``; ``computed_at`` in milliseconds since 1970."""
    return {
        "station": [station for station, _, _ in versions],
        **{name: [getattr(episode, name) for _, episode, _ in versions] for name in Episode._fields},
        "computed_at": [computed_at] * len(versions),
        "version": [version for _, _, version in versions],
    }


def to_message(episode: Episode, version: int) -> ExceedanceMessage:
    """Return an episode as ``aggregated`` has it."""
    times = {name: from_seconds(getattr(episode, name)) for name in ("starts_at", "ends_at", "peak_at")}
    return ExceedanceMessage(**(episode._asdict() | times), version=version)
