"""``quantrac replay --stage windows``: compute the averages of a period again, from the stored readings."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from quantrac.cli.target import Target
from quantrac.cli.terminal import echo
from quantrac.domain.times import DAY_DELTA, HOUR_DELTA, from_seconds, hour_start, local_day_start
from quantrac.errors import UserError
from quantrac.io.clickhouse import ClickHouse, ClickHouseError, Result
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.records import DeliveryFailed, Producer, Record
from schemas.codecs.window_dirty import encode_window_dirty

# A day of as many stations is up to 9,000 hours, about 1 s of the windows: a live hour waits no longer.
_STATIONS_A_PAGE = 25
# Messages that may lie before the windows, live ones included, when a page is sent; a page has up to 25.
_LARGEST_LAG = 100
# The windows commit every few seconds.
_LOOK_SECONDS = 1.0
_SAY_SECONDS = 10.0

_STATIONS = """
SELECT DISTINCT station
FROM
(
  SELECT station FROM readings
  WHERE measured_at >= {start:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
  UNION ALL
  SELECT station FROM averages
  WHERE period = 'hour' AND starts_at >= {start:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
)
WHERE empty({stations:Array(String)}) OR station IN {stations:Array(String)}
ORDER BY station
"""

# Hours with readings, and those with an average: a changed meaning of stamps may take its readings elsewhere.
# A month at a time: the readings of a series and month lie in one place, whatever part of them is asked for.
_HOURS = """
SELECT DISTINCT station, parameter, hour
FROM
(
  SELECT station, parameter, toUnixTimestamp(toStartOfHour(measured_at)) AS hour FROM readings
  WHERE station IN {stations:Array(String)}
    AND measured_at >= {start:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
  UNION ALL
  SELECT station, parameter, toUnixTimestamp(starts_at) AS hour FROM averages
  WHERE period = 'hour' AND station IN {stations:Array(String)}
    AND starts_at >= {start:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
)
ORDER BY hour, station, parameter
"""


class Database(Protocol):
    """Where the readings are."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...


@dataclass(frozen=True, slots=True)
class Period:
    """What is to be computed again: the hours that touch ``[start, end)``, UTC."""

    start: datetime
    end: datetime
    stations: tuple[str, ...]
    """Empty = all."""


@dataclass(frozen=True, slots=True)
class Page:
    """One day (Vietnam's) of some stations."""

    hours: Mapping[str, Sequence[tuple[str, datetime]]]
    """Station -> parameter and start of the hour; those that hold readings or have an average."""
    done: int
    """Days of stations that lie behind when the page is done, of ``total``."""
    total: int


def recompute(target: Target, period: Period, *, dry_run: bool) -> None:
    """Send the hours of a period to the windows, no faster than they follow; only count them in a dry run."""
    group, topic = target.topic("aggregator.windows"), target.topic("window-dirty")
    pages_to_send = pages(ClickHouse(target.clickhouse), period)
    hours = 0
    try:
        if dry_run:
            hours = sum(map(_hours, pages_to_send))
        else:
            admin, producer = KafkaAdmin(target.kafka), KafkaProducer(target.kafka)
            with Shown(Console(stderr=True)) as shown:
                for hours in send(  # noqa: B007  # said below
                    pages_to_send,
                    topic,
                    producer,
                    lambda: admin.lag(group, topic),
                    shown=shown,
                    wait=time.sleep,
                ):
                    pass
    except (ClickHouseError, DeliveryFailed) as error:
        raise UserError(f"after {hours:,} hours: {error}") from error
    echo(f"{hours:,} hours {'would be' if dry_run else 'are being'} computed again")


def pages(database: Database, period: Period) -> Iterator[Page]:
    """Yield the hours that hold readings or have an average: by groups of stations, day by day."""
    begin, end = hour_start(period.start), hour_start(period.end - timedelta(microseconds=1)) + HOUR_DELTA
    answer = database.query(_STATIONS, {**_span(begin, end), "stations": list(period.stations)})
    stations = [code for (code,) in answer.rows]
    days = (local_day_start(end - HOUR_DELTA) - local_day_start(begin)) // DAY_DELTA + 1
    for first in range(0, len(stations), _STATIONS_A_PAGE):
        group = stations[first : first + _STATIONS_A_PAGE]
        for month in _months(begin, end):
            by_day: dict[datetime, dict[str, list[tuple[str, datetime]]]] = defaultdict(
                lambda: defaultdict(list)
            )
            for station, parameter, seconds in database.query(
                _HOURS, {**_span(*month), "stations": group}
            ).rows:
                hour = from_seconds(seconds)
                by_day[local_day_start(hour)][station].append((parameter, hour))
            for day, hours in by_day.items():
                before = (day - local_day_start(begin)) // DAY_DELTA + 1
                yield Page(hours, first * days + before * len(group), len(stations) * days)


def send(  # noqa: PLR0917
    pages: Iterator[Page],
    topic: str,
    producer: Producer,
    lag: Callable[[], int | None],
    shown: "Shown",
    wait: Callable[[float], None],
) -> Iterator[int]:
    """Send page by page while the windows follow; yields how many hours are sent, after each page.

    ``lag`` tells how many messages lie before the windows; what is not known counts as too many.
    """
    hours = 0
    for page in pages:
        while (before := lag()) is None or before > _LARGEST_LAG:
            shown.waiting(before)
            wait(_LOOK_SECONDS)
        producer.produce(
            [
                Record(topic, station.encode(), encode_window_dirty(station, windows))
                for station, windows in page.hours.items()
            ]
        )
        producer.flush()
        hours += _hours(page)
        shown.page(page, hours)
        yield hours


class Shown:
    """Shows how far the command is: a bar in a terminal, else a line every ten seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._began = self._printed_at = clock()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %, time left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("looking for stations", total=None)

    def __enter__(self) -> "Shown":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def page(self, page: Page, hours: int) -> None:
        """Show that a page has been sent, ``hours`` with all before it."""
        seconds = max(self._clock() - self._began, 1e-3)
        rate = f"{hours:,} hours, {hours / seconds:,.0f} hours/s"
        self._progress.update(self._task, completed=page.done, total=page.total, description=rate)
        left = timedelta(seconds=round(seconds / page.done * (page.total - page.done)))
        self._line(f"{rate}, {page.done:,} of {page.total:,} days of stations, time left {left}")

    def waiting(self, lag: int | None) -> None:
        """Show that the windows do not follow."""
        lag_text = (
            "how far aggregator.windows is is not known" if lag is None else f"{lag:,} messages before it"
        )
        self._line(f"waiting for aggregator.windows: {lag_text}")

    def _line(self, text: str) -> None:
        if not self._console.is_terminal and self._clock() - self._printed_at >= _SAY_SECONDS:
            self._printed_at = self._clock()
            self._console.print(text, highlight=False, soft_wrap=True)


def _months(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Split at midnights in Vietnam, about a month apart."""
    while begin < end:
        following = min(end, local_day_start(begin) + 30 * DAY_DELTA)
        yield begin, following
        begin = following


def _span(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": f"{start:%Y-%m-%d %H:%M:%S}", "end": f"{end:%Y-%m-%d %H:%M:%S}"}


def _hours(page: Page) -> int:
    return sum(map(len, page.hours.values()))
