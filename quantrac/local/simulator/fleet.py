"""Many loggers in one process: a few threads that sleep until the next station is due."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import PriorityQueue
from zoneinfo import ZoneInfo

from quantrac.domain.registry.stations import Station
from quantrac.local.simulator.data_logger import RESENT_PER_CYCLE, DataLogger
from quantrac.local.simulator.noise import uniform

WORKERS = 4
_FAREWELL_S = 2.0  # lets a transfer under way end; one that does not stays in the backlog
_WIDEST_JITTER_S = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a fleet's files are due."""

    every_s: float | None = None
    """Seconds between two files of a station; ``None`` keeps each station's own interval and grid."""
    history_minutes: float = 60
    """How far back files are made at the start."""

    def interval(self, station: Station) -> timedelta:
        """Return the distance between two files."""
        return timedelta(seconds=self.every_s or station.interval_seconds)

    def jitter(self, station: Station) -> timedelta:
        """Return how long after the due time a station sends: loggers do not all start in one second."""
        return min(timedelta(seconds=_WIDEST_JITTER_S), self.interval(station) / 10) * uniform(station.code)


def on_grid(station: Station, time: datetime) -> datetime:
    """Return the last time at or before ``time`` on the grid of the station's interval, in its local day."""
    local = time.astimezone(ZoneInfo(station.timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = int((local - midnight).total_seconds())
    return (midnight + timedelta(seconds=passed - passed % station.interval_seconds)).astimezone(UTC)


class Fleet:
    """Runs loggers until stopped.

    At the start each one makes the files of the recent past, and its first cycles send the whole backlog;
    once that was acknowledged it sends the current file and a few old ones each interval.
    """

    def __init__(
        self,
        loggers: Sequence[DataLogger],
        schedule: Schedule,
        stop: threading.Event,
        clock: Callable[[], datetime],
    ) -> None:
        self._loggers = {logger.station.code: logger for logger in loggers}
        self._schedule = schedule
        self._stop = stop
        self._clock = clock
        self._started = clock()
        self._caught_up: set[str] = set()
        self._queue: PriorityQueue[tuple[datetime, str, datetime]] = PriorityQueue()
        """When to wake, the station, and the time that is due."""

    def run(self) -> None:
        """Work until ``stop`` is set, then return within seconds."""
        for logger in self._loggers.values():
            due = self._remember(logger)
            self._queue.put((due, logger.station.code, due))
        # Daemons: a server that does not answer must not hold up the end.
        workers = [
            threading.Thread(target=self._work, name=f"logger-{number}", daemon=True)
            for number in range(min(WORKERS, len(self._loggers)))
        ]
        for worker in workers:
            worker.start()
        self._stop.wait()
        for worker in workers:
            worker.join(_FAREWELL_S / len(workers))

    def _remember(self, logger: DataLogger) -> datetime:
        """Measure the recent past; return the current time on the grid, which is due at once."""
        station, interval = logger.station, timedelta(seconds=logger.station.interval_seconds)
        current = on_grid(station, self._started)
        past = current - interval
        while past > self._started - timedelta(minutes=self._schedule.history_minutes):
            logger.measure(past)
            past -= interval
        return current

    def _work(self) -> None:
        # A worker that puts a station back takes the earliest of all that wait, so none is late by another.
        while not self._stop.is_set():
            wake, code, due = self._queue.get()
            if self._stop.wait(max(0.0, (wake - self._clock()).total_seconds())):
                return
            logger = self._loggers[code]
            self._cycle(logger, due)
            following = self._following(logger.station, due)
            self._queue.put((following + self._schedule.jitter(logger.station), code, following))

    def _cycle(self, logger: DataLogger, due: datetime) -> None:
        code = logger.station.code
        try:
            if logger.cycle(due, resend=RESENT_PER_CYCLE if code in self._caught_up else None):
                self._caught_up.add(code)
        except OSError:
            log.exception("%s: its backlog could not be used", code)

    def _following(self, station: Station, due: datetime) -> datetime:
        if self._schedule.every_s is None:
            return due + self._schedule.interval(station)
        return max(due, self._started) + self._schedule.interval(station)
