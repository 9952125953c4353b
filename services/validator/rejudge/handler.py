"""Decides which stored readings get another flag: requests in, revisions and limits out. No sockets."""

import logging
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from quantrac.domain.ids import traceparent
from quantrac.domain.qa.baseline.blocks import BLOCK, BOUNDS
from quantrac.domain.qa.baseline.update import PublishedBounds, Span
from quantrac.domain.qa.evaluate import Crash
from quantrac.domain.qa.stored.history import History
from quantrac.domain.qa.stored.rejudge import Rejudgement, rejudge
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.stations import Registry
from quantrac.domain.times import from_seconds
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseBadData, ClickHouseRefused
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import encode
from schemas.history import baseline_columns
from schemas.messages.baseline import Baseline, BaselineBlock, SeriesBounds
from schemas.messages.rejudge import RejudgeRequest, merged

log = logging.getLogger(__name__)

Offsets = Mapping[tuple[str, int], int]
"""Offset by topic and partition."""

BASELINE = "baseline"
"""Cause of a request for what was judged live by limits that have just moved."""

DAY = timedelta(days=1)
DAYS_A_BATCH = 100
"""Station-days asked for in one batch. Where statistics change, the thirty days after them are judged as
well:
100 requests of late data may come to 3,000 station-days."""

_RETRY_SECONDS = 2.0
_SOON_SECONDS = 0.3
_NOTICE_SECONDS = 1.0
"""After which every validator has taken in a record of the registry that is known here."""


class Store(Protocol):
    """Where statistics go."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block durably; raises ``ClickHouseError``."""


class InFlight:
    """Knows whose revisions may be written but not stored: judged by what is stored, they would be missed."""

    def __init__(self, ends: Callable[[], Offsets | None], committed: Callable[[], Offsets | None]) -> None:
        """``ends`` and ``committed`` tell where the flagged sets' topic ends and how far it is stored.

        Both return ``None`` where that is not known now.
        """
        self._ends, self._committed = ends, committed
        self._stations: set[str] = set()
        self._anyone = True
        self._goal: Offsets | None = None

    def doubt(self) -> None:
        """Take every station's revisions as possibly not stored: another process may have sent some."""
        self._anyone, self._goal = True, None

    def sent(self, stations: Iterable[str]) -> None:
        """Note for whom revisions, or limits that sets on their way lack, have just been written."""
        self._stations.update(stations)
        self._goal = None

    def stored(self, stations: Collection[str]) -> bool:
        """Tell whether everything written of these stations is stored."""
        if not self._anyone and self._stations.isdisjoint(stations):
            return True
        self._goal = self._ends() if self._goal is None else self._goal
        reached = self._committed() if self._goal is not None else None
        if self._goal is None or reached is None:
            return False
        if any(reached.get(place, 0) < end for place, end in self._goal.items()):
            return False
        self._stations.clear()
        self._anyone, self._goal = False, None
        return True


class RejudgeHandler:
    """The ``rejudge`` role.

    One span a station and batch: the statistics that one span changed are stored only after its messages are
    written, and the next span of the station has to see them. What a batch leaves goes back to the topic.
    """

    def __init__(
        self,
        history: History,
        store: Store,
        registry: Registry,
        expectations: Expectations,
        in_flight: InFlight,
        *,
        flagged: str,
        baseline: str,
        rejudge: str,
        registry_position: Callable[[], int],
        clock: Callable[[], datetime],
        on_crash: Crash,
        days_a_batch: float = DAYS_A_BATCH,
    ) -> None:
        """``registry_position`` is the offset before which the registry's records are known."""
        self._history, self._store, self._in_flight = history, store, in_flight
        self._registry, self._expectations = registry, expectations
        self._flagged, self._baseline, self._rejudge = flagged, baseline, rejudge
        self._registry_position, self._clock, self._on_crash = registry_position, clock, on_crash
        self._days = days_a_batch
        self._announced = -1

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Rejudge what the batch asks for; see :class:`quantrac.io.records.Handler`.

        Raises ``ClickHouseBadData`` where the store cannot answer for a span.
        """
        self._expectations.refresh()
        requests, dead = _requests(batch)
        needed = max(
            (each.registry_offset for each in requests if each.registry_offset is not None), default=-1
        )
        if needed >= self._registry_position():
            return NotNow(f"the registry's record {needed} has not come yet", _SOON_SECONDS)
        if needed > self._announced:
            # What was judged before the validators knew of it is waited for, and then judged again here.
            self._announced = needed
            self._in_flight.doubt()
            return NotNow(f"the registry's record {needed} is on its way to the validators", _NOTICE_SECONDS)
        if not self._in_flight.stored({each.station for each in requests}):
            return NotNow("the flags of the last judgement are not stored yet", _SOON_SECONDS)
        try:
            now, later = self._shared_out(requests)
            rejudged = {each.station: self._rejudged(each) for each in now}
            later += [self._tail(each) for each in now if _moves_limits(each, rejudged[each.station])]
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        records = [
            *(self._revision(each) for answer in rejudged.values() for each in answer.revisions),
            *(self._bounds(station, answer.bounds) for station, answer in rejudged.items() if answer.bounds),
            *(self._request(each) for each in merged(_neighbours(rejudged.values()))),
            *(self._request(each) for each in later),
        ]
        return Done(records, dead, [lambda: self._stored(rejudged)])

    def _shared_out(
        self, requests: Sequence[RejudgeRequest]
    ) -> tuple[list[RejudgeRequest], list[RejudgeRequest]]:
        """Split into what is done now, one span a station, and what goes back to the topic."""
        first: dict[str, RejudgeRequest] = {}
        later: list[RejudgeRequest] = []
        for each in merged(requests):
            if each.station in first:
                later.append(each)
            else:
                first[each.station] = each
        share = DAY * max(1.0, self._days / max(1, len(first)))
        now: list[RejudgeRequest] = []
        for station, each in first.items():
            # Past the newest reading there is nothing to do, however far a person's decision reaches.
            newest = self._history.newest(station)
            if newest == -math.inf or from_seconds(newest) < each.start:
                continue
            end = min(each.end, from_seconds(newest) + timedelta(seconds=1))
            if end - each.start > share:
                later.append(each.model_copy(update={"start": each.start + share, "end": end}))
                end = each.start + share
            now.append(each.model_copy(update={"end": end}))
        return now, later

    def _rejudged(self, request: RejudgeRequest) -> Rejudgement:
        span = Span(request.start.timestamp(), request.end.timestamp(), frozenset(request.causes))
        return rejudge(
            self._history,
            self._registry,
            self._expectations,
            request.station,
            span,
            on_crash=self._on_crash,
        )

    def _tail(self, request: RejudgeRequest) -> RejudgeRequest:
        """Ask for what comes while the validators still have the limits of before."""
        newest = from_seconds(self._history.newest(request.station))
        end = newest + timedelta(seconds=BLOCK)
        return RejudgeRequest(station=request.station, start=newest, end=end, causes=[BASELINE])

    def _stored(self, rejudged: Mapping[str, Rejudgement]) -> NotNow | None:
        """Store the statistics, last of all: until then the same request gives the same answer again."""
        waited_for = [station for station, answer in rejudged.items() if answer.revisions or answer.changed]
        self._in_flight.sent(waited_for)
        now = self._clock()
        blocks = [baseline_columns(station, answer.changed, now) for station, answer in rejudged.items()]
        columns = {name: [value for block in blocks for value in block[name]] for name in (blocks or [{}])[0]}
        if columns and columns["station"]:
            try:
                self._store.insert("baseline_blocks", columns)
            except (ClickHouseAway, ClickHouseRefused) as error:
                return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
            except ClickHouseBadData as error:
                # Its messages are written, so no message can be given up for it; the next judgement of these
                # blocks computes their statistics anew.
                log.error("statistics of %s left out: %s", ", ".join(rejudged), error)
        return None

    def _revision(self, revision: FlaggedSet) -> Record:
        headers = {"file_id": revision.file_id, "traceparent": traceparent(revision.file_id)}
        return Record(
            self._flagged,
            revision.station.encode(),
            encode(revision),
            {name: text.encode() for name, text in headers.items()},
        )

    def _bounds(self, station: str, bounds: PublishedBounds) -> Record:
        message = Baseline(
            station=station,
            blocks=[
                BaselineBlock(
                    start=from_seconds(block * BLOCK),
                    parameters={code: _series_bounds(values) for code, values in sorted(parameters.items())},
                )
                for block, parameters in sorted(bounds.items())
            ],
        )
        return Record(self._baseline, station.encode(), message.model_dump_json().encode())

    def _request(self, request: RejudgeRequest) -> Record:
        return Record(self._rejudge, request.station.encode(), request.model_dump_json().encode())


def _requests(batch: Sequence[Record]) -> tuple[list[RejudgeRequest], list[DeadLetter]]:
    requests: list[RejudgeRequest] = []
    dead: list[DeadLetter] = []
    for record in batch:
        try:
            requests.append(RejudgeRequest.model_validate_json(record.value or b""))
        except ValidationError as error:
            dead.append(DeadLetter(record, str(error)))
    return requests, dead


def _moves_limits(request: RejudgeRequest, answer: Rejudgement) -> bool:
    """Tell whether limits of the current block may have moved; a block that just ended moves later ones."""
    return bool(answer.changed) and not {"block", BASELINE}.issuperset(request.causes)


def _neighbours(answers: Iterable[Rejudgement]) -> Iterator[RejudgeRequest]:
    for answer in answers:
        for station, span in answer.neighbours.items():
            yield RejudgeRequest(
                station=station,
                start=from_seconds(span.start),
                end=from_seconds(span.end),
                causes=sorted(span.causes),
            )


def _series_bounds(values: Sequence[float]) -> SeriesBounds:
    """Turn the bounds of one series and block into a message."""
    bounds = zip(BOUNDS, values, strict=True)
    return SeriesBounds(**{name: value if math.isfinite(value) else None for name, value in bounds})
