"""What stations measured before the past of their loggers: days of it, sent behind the present.

A logger whose line was down for days does the same. It is sent oldest first, in files of some hours and so
slowly that the present has the machine, with two hours corrected at the end: a person has looked at the
analyser's book.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import DAY_DELTA, HOUR_DELTA, hour_start
from quantrac.local.simulator.data_logger import Sender
from quantrac.local.simulator.faults import is_off, lasting_fault
from quantrac.local.simulator.files import (
    TIME_FORMAT,
    day_folder,
    line,
    measure,
    moment_of,
    station_file,
    written_name,
    written_unit,
)
from quantrac.local.simulator.ftp_sender import NotAcknowledged

BEHIND_S = 20.0
"""After the start; the loggers send their own past first."""
PIECE = timedelta(hours=6)
"""What is in one file: of 15 parameters 1,080 lines, 45 KB. A file an hour would cost the stack more CPU."""
_LEAST_REST_S, _LONGEST_REST_S = 1.0, 10.0
_REST_SHARE = 3.0  # a rest is so many times as long as the sending took: a quarter of the time is used
_RETRY_S = 5.0
_CORRECTED_AFTER_S = 60.0  # the averages that are corrected have been computed by then
_CORRECTED_BACK = timedelta(hours=24)
_CORRECTED = "PM2.5"
_FACTOR = 0.8

log = logging.getLogger(__name__)


class Correction(Enum):
    """What a corrected file says of an hour."""

    DEVICE_ERROR = "the analyser reported an error (status 02), so the hour has no mean any longer"
    FACTOR = "the span gas was wrong: every value is a fifth lower"


@dataclass(frozen=True, slots=True)
class PastFile:
    """One file of the past: what a station measured in a span of time, or a correction of it."""

    station: Station
    start: datetime
    """UTC."""
    length: timedelta
    correction: Correction | None = None

    def write(self, seed: int, until: datetime) -> tuple[str, bytes] | None:
        """Return its name and bytes; ``None`` where it is empty.

        Nothing in it was measured after ``until`` (aware). It is named by its last time.
        """
        times = [
            time
            for time in self._times()
            if time <= until and not is_off(moment_of(self.station, time, seed))
        ]
        if not times:
            return None
        files = [station_file(self.station, time, seed) for time in times]
        content = b"".join(content for _, content in files)
        return files[-1][0], content if self.correction is None else self._correct(times, seed)

    def is_calm(self, seed: int) -> bool:
        """Tell whether what is corrected was measured all the time, and without a lasting fault."""
        moments = [moment_of(self.station, time, seed) for time in self._times()]
        return not any(is_off(m) or lasting_fault(m, _CORRECTED) for m in moments)

    def _times(self) -> list[datetime]:
        step = timedelta(seconds=self.station.interval_seconds)
        return [self.start + number * step for number in range(max(1, self.length // step))]

    def _correct(self, times: Sequence[datetime], seed: int) -> bytes:
        parameter = next(entry for entry in self.station.parameters if entry.code == _CORRECTED)
        lines = []
        for at in times:
            m = moment_of(self.station, at, seed)
            text, status = measure(self.station.type, parameter, m)
            if self.correction is Correction.FACTOR:
                text = f"{_FACTOR * float(text.replace(',', '.').rstrip('x')):.2f}"
            else:
                status = "02"
            stamp = m.local.strftime(TIME_FORMAT)
            lines.append(line(written_name(parameter), text, written_unit(parameter), stamp, status))
        return "".join(lines).encode()


def past_files(stations: Sequence[Station], until: datetime, days: float, seed: int) -> list[PastFile]:
    """Return the files of ``days`` before ``until`` (UTC), oldest first, and after them the corrections.

    Corrected are two hours, a day or more before the end, in which the first station that measures PM2.5 did
    so without a fault.
    """
    start = hour_start(until - days * DAY_DELTA)
    count = (hour_start(until) - start) // PIECE + 1
    files = [
        PastFile(station, start + number * PIECE, PIECE) for number in range(count) for station in stations
    ]
    measuring = [
        station for station in stations if any(entry.code == _CORRECTED for entry in station.parameters)
    ]
    if not measuring:
        return files
    candidates = range((hour_start(until) - _CORRECTED_BACK - start) // HOUR_DELTA, -1, -1)
    hours = (PastFile(measuring[0], start + number * HOUR_DELTA, HOUR_DELTA) for number in candidates)
    calm_hours = (hour for hour in hours if hour.is_calm(seed))
    corrections = zip(calm_hours, Correction, strict=False)
    return [*files, *(replace(hour, correction=correction) for hour, correction in corrections)]


class Journal:
    """How far the past was acknowledged, in a file: a restart goes on there, and with the same files."""

    def __init__(self, file: Path, until: datetime, days: float) -> None:
        """``until`` (UTC) and ``days`` count at the first start in this folder only."""
        self._file = file
        self.until, self.days, self.acknowledged = until, days, 0
        if file.exists():
            stored = json.loads(file.read_text(encoding="utf-8"))
            self.until = datetime.fromisoformat(stored["until"])
            self.days, self.acknowledged = float(stored["days"]), int(stored["acknowledged"])
        else:
            self._write()

    def acknowledge(self) -> None:
        """Note that the next file was acknowledged, or is empty."""
        self.acknowledged += 1
        self._write()

    def _write(self) -> None:
        state = {"until": self.until.isoformat(), "days": self.days, "acknowledged": self.acknowledged}
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(json.dumps(state), encoding="utf-8")
        unfinished.replace(self._file)


class PastSender:
    """Sends the past of some stations in one thread, each over a connection of its own account."""

    def __init__(
        self,
        stations: Sequence[Station],
        journal: Journal,
        connect: Callable[[Station], Sender],
        *,
        seed: int,
        stop: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stations, self._journal, self._connect = stations, journal, connect
        self._seed, self._stop, self._monotonic = seed, stop, monotonic

    def run(self) -> None:
        """Send what is left of it; returns once all is acknowledged, or soon after ``stop`` is set."""
        files = past_files(self._stations, self._journal.until, self._journal.days, self._seed)
        left = files[self._journal.acknowledged :]
        if not left or self._stop.wait(BEHIND_S):
            return
        with ExitStack() as opened:
            senders = {
                station.code: opened.enter_context(self._connect(station)) for station in self._stations
            }
            for file, previous in zip(left, (None, *left), strict=False):
                is_first_correction = file.correction and not (previous and previous.correction)
                if is_first_correction:
                    self._stop.wait(_CORRECTED_AFTER_S)
                self._send(file, senders[file.station.code])
                if self._stop.is_set():
                    return  # what was acknowledged just now is sent again, and recognised
                self._journal.acknowledge()
        log.info("the past of %d stations is acknowledged: %d files", len(self._stations), len(files))

    def _send(self, file: PastFile, sender: Sender) -> None:
        """Send one file until it is acknowledged or the stop is set, then rest."""
        written = file.write(self._seed, self._journal.until)
        if written is None:
            return
        name, content = written
        began = self._monotonic()
        while not self._stop.is_set():
            try:
                sender.send(day_folder(name), name, content)
                break
            except NotAcknowledged as error:
                log.warning("%s not acknowledged: %s", name, error)
                self._stop.wait(_RETRY_S)
        rest = _REST_SHARE * (self._monotonic() - began)
        self._stop.wait(min(max(_LEAST_REST_S, rest), _LONGEST_REST_S))
