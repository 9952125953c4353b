"""The dirty hours that wait: in batches of bounded cost, the newest days first."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from sys import intern

from msgspec.structs import replace

from quantrac.domain.times import VIETNAM_OFFSET, local_day_starts
from quantrac.io.records import Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.window_dirty import decode_window_dirty, encode_dirty_hours

# How long a batch is meant to take: the hours of the present wait for one of them at most.
_SECONDS = 2.0
# Files of the last minutes before midnight come after it.
_AFTER_MIDNIGHT = 3_600

# What a batch costs, in seconds of a first guess; how long batches really take corrects it.
_BATCH = 0.15
"""Each batch: its statements, however little they read."""
_HOUR = 100e-6
"""Each dirty hour: its readings, its averages and their messages."""
_SERIES_DAY = 100e-6
"""Each series and day: eight hours' means around it, the day."""
_SERIES_YEAR = 100e-6
"""Each series and year: the days of its months."""
_PACES = (0.1, 10.0)

# Past these the stream waits, and Kafka keeps the rest: some 100 MB.
_MOST_MESSAGES = 50_000
_MOST_HOURS = 1_000_000

_YEAR = 365.25 * 86_400

Origin = tuple[str, int, int]
"""Topic, partition and offset of a message."""


@dataclass(slots=True)
class _Day:
    """The dirty hours of one station and day (Vietnam's)."""

    hours: set[tuple[str, int]] = field(default_factory=set)
    """(Parameter, start of the hour)."""
    origins: set[Origin] = field(default_factory=set)
    """The messages that called them dirty."""

    def add(self, day: "_Day") -> None:
        """Take in what another one holds."""
        self.hours |= day.hours
        self.origins |= day.origins


class DirtyQueue:
    """Satisfies :class:`quantrac.io.work_queue.WorkQueue`.

    A message may hold weeks of a station. It is split into days, and what is taken is the newest days of any
    stations. Every other batch is of today alone, where today's hours wait; so they wait for one batch of
    older ones at most, and these go on. Hours that several messages name are taken once. A message is
    finished when its last day is.
    """

    def __init__(
        self,
        *,
        seconds: float = _SECONDS,
        most_hours: int = _MOST_HOURS,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds``: how long a batch should take; past ``most_hours`` that wait the stream does."""
        self._seconds, self._most_hours = seconds, most_hours
        self._clock, self._monotonic = clock, monotonic
        self._messages: dict[Origin, tuple[Record, int]] = {}
        """The message without its value, and how many of its days wait or are being processed."""
        self._days: dict[tuple[int, str], _Day] = {}
        """By start of the day (seconds since 1970) and station."""
        self._batch: dict[tuple[int, str], _Day] = {}
        self._hours = 0
        # What cannot be read goes first: to become a dead letter.
        self._unreadable: list[Record] = []
        self._unreadable_taken = 0
        self._has_more = self._was_today_alone = False
        # Seconds that a second of expected cost takes on this machine.
        self._pace = 1.0
        self._cost = self._began = 0.0

    def put(self, record: Record) -> None:
        """Take a message in."""
        try:
            station, pairs = decode_window_dirty(record.value or b"")
        except BadMessage:
            self._unreadable.append(record)
            return
        days: dict[int, _Day] = {}
        for parameter, hour in pairs:
            day = days.setdefault(local_day_starts(hour), _Day())
            day.hours.add((intern(parameter), hour))
        # Its hours are all that is still needed of its value.
        self._messages[record.origin] = replace(record, value=None), len(days)
        for start, day in days.items():
            day.origins.add(record.origin)
            self._add((start, station), day)

    def take(self) -> Sequence[Record]:
        """Return the newest days that fit into a batch, at least one, as one message a station."""
        self._put_back()
        years: set[tuple[str, int]] = set()
        self._cost = _BATCH
        today = local_day_starts(int(self._clock()) - _AFTER_MIDNIGHT)
        is_today_alone = not self._was_today_alone and max(self._days, default=(0, ""))[0] >= today
        for key in sorted(self._days, reverse=True):
            cost = self._cost_of(key, years)
            is_full = (self._cost + cost) * self._pace > self._seconds
            if self._batch and (is_full or (is_today_alone and key[0] < today)):
                break
            self._cost += cost
            self._hours -= len(self._days[key].hours)
            self._batch[key] = self._days.pop(key)
        self._has_more, self._was_today_alone = bool(self._days), is_today_alone
        self._unreadable_taken = len(self._unreadable)
        self._began = self._monotonic()
        stations: dict[str, _Day] = {}
        for (_, station), day in self._batch.items():
            stations.setdefault(station, _Day()).add(day)
        return [*self._unreadable, *(self._to_record(station, day) for station, day in stations.items())]

    def finish(self) -> Sequence[Record]:
        """Return the messages whose last day was among what was taken."""
        if self._batch:
            measured = (self._monotonic() - self._began) / self._cost
            # A small batch says little of a large one.
            weight = min(self._cost / self._seconds, 1.0) / 2
            low, high = _PACES
            self._pace = min(max(self._pace + weight * (measured - self._pace), low), high)
        done = self._unreadable[: self._unreadable_taken]
        del self._unreadable[: self._unreadable_taken]
        for day in self._batch.values():
            for origin in day.origins & self._messages.keys():
                record, days = self._messages[origin]
                self._messages[origin] = record, days - 1
                if days == 1:
                    done.append(record)
                    del self._messages[origin]
        self._batch, self._unreadable_taken = {}, 0
        return done

    def retain(self, is_retained: Callable[[Record], bool]) -> None:
        """Forget all other messages, and the hours that only they have called dirty."""
        self._unreadable_taken = sum(map(is_retained, self._unreadable[: self._unreadable_taken]))
        self._unreadable = list(filter(is_retained, self._unreadable))
        self._messages = {
            origin: message for origin, message in self._messages.items() if is_retained(message[0])
        }
        for days in (self._days, self._batch):
            for key, day in list(days.items()):
                day.origins &= self._messages.keys()
                if not day.origins:
                    del days[key]
        self._hours = sum(len(day.hours) for day in self._days.values())

    @property
    def has_more(self) -> bool:
        """Whether days are left that did not fit into what was taken."""
        return self._has_more

    @property
    def is_full(self) -> bool:
        """Whether so much waits that the stream does."""
        return len(self._messages) >= _MOST_MESSAGES or self._hours >= self._most_hours

    def _add(self, key: tuple[int, str], day: _Day) -> None:
        waiting = self._days.setdefault(key, _Day())
        before = len(waiting.hours)
        waiting.add(day)
        self._hours += len(waiting.hours) - before

    def _put_back(self) -> None:
        """Let what was taken and not finished wait again."""
        for key, day in self._batch.items():
            self._add(key, day)
        self._batch = {}

    def _cost_of(self, key: tuple[int, str], years: set[tuple[str, int]]) -> float:
        """Return what a day adds to a batch; notes its year in ``years``, those of the batch so far."""
        (start, station), day = key, self._days[key]
        series = len({parameter for parameter, _ in day.hours})
        cost = _HOUR * len(day.hours) + _SERIES_DAY * series
        year = station, int((start + VIETNAM_OFFSET) // _YEAR)
        if year not in years:
            years.add(year)
            cost += _SERIES_YEAR * series
        return cost

    def _to_record(self, station: str, day: _Day) -> Record:
        """Return a message of some hours of a station, as old as the oldest of those that named them."""
        records = [self._messages[origin][0] for origin in day.origins]
        produced = [record.produced_at for record in records if record.produced_at is not None]
        return replace(
            min(records, key=lambda record: record.origin),
            value=encode_dirty_hours(station, day.hours),
            produced_at=min(produced, default=None),
        )
