"""Episodes beyond a limit: as rows, as columns, as messages. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from quantrac.domain.exceedances import Episodes, ends, starts
from quantrac.domain.limits import Limit
from schemas.codec import ExceedanceMessage
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

    @property
    def withdrawn(self) -> "Episode":
        """The version that says there is nothing left of it."""
        return self._replace(periods=0, open=False)


def rows_of_episodes(
    found: Episodes, names: Names, limits: Sequence[Limit], columns: Block
) -> Iterator[tuple[int, int, Episode]]:
    """Yield each episode with its series and first step.

    ``columns``: series, step, mean, held of the averages that ``found`` was made of.
    """
    codes = list(names.parameters)
    numbers = columns["series"][found.first]
    _, parameter, period = series_parts(numbers)
    first, last, peak = (columns["step"][rows] for rows in (found.first, found.last, found.peak))
    lists = (
        *(each.tolist() for each in (numbers, first, parameter, period, columns["held"][found.first])),
        *(by_period(starts, each, period).tolist() for each in (first, peak)),
        by_period(ends, last, period).tolist(),
        (found.last - found.first + 1).tolist(),
        columns["mean"][found.peak].tolist(),
        found.ratio.tolist(),
        found.open.tolist(),
    )
    for series, step, code, length, place, at, peak_at, end, count, mean, ratio, still in zip(
        *lists, strict=True
    ):
        limit = limits[place]
        what = codes[code], PERIODS[length].value, limit.standard, limit.column
        values = limit.minimum, limit.maximum, limit.unit
        yield series, step, Episode(*what, *values, at, end, count, mean, peak_at, ratio, still)


def columns(found: Sequence[tuple[str, Episode, int]], computed_at: int) -> dict[str, list[Any]]:
    """Return the columns of ``exceedances`` from (station, episode, version)."""
    return {
        "station": [station for station, _, _ in found],
        **{name: [getattr(episode, name) for _, episode, _ in found] for name in Episode._fields},
        "computed_at": [computed_at] * len(found),
        "version": [version for _, _, version in found],
    }


def told(episode: Episode, version: int) -> ExceedanceMessage:
    """Return an episode as ``aggregated`` tells it."""
    times = {
        name: datetime.fromtimestamp(getattr(episode, name), UTC)
        for name in ("starts_at", "ends_at", "peak_at")
    }
    return ExceedanceMessage(**(episode._asdict() | times), version=version)
