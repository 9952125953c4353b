"""Decides which stored readings get another flag: requests in, revisions and bounds out. No sockets."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import DAY_DELTA, from_seconds, to_seconds
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseBadData, ClickHouseRefused
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.clickhouse.history import baseline_columns
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.baseline import Baseline, BaselineBlock, SeriesBounds
from schemas.messages.rejudge import RejudgeRequest, merged
from services.validator.rejudge.in_flight import InFlight
from services.validator.rejudge.pending import PendingRequests

log = logging.getLogger(__name__)


BASELINE = "baseline"
"""Cause of a request for what was judged live by bounds that have just moved."""

DAYS_A_BATCH = 100
"""Station-days of requests judged in one batch. Where statistics change, the thirty days after them are
judged as well: 100 requests of late data may come to 3,000 station-days."""

_RETRY_SECONDS = 2.0
_SOON_SECONDS = 0.3
_NOTICE_SECONDS = 1.0
"""After which every validator has taken in a record of the registry that is known here."""


class Store(Protocol):
    """Where statistics go."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block durably; raises ``ClickHouseError``."""


class RejudgeHandler:
    """The ``rejudge`` role.

    One span a station and batch: the statistics that one span changed are stored only after its messages are
    written, and the next span of the station has to see them. What a batch leaves goes back to the topic.
    """

    def __init__(
        self,
        open_history: Callable[[], History],
        store: Store,
        registry: Registry,
        expectations: Expectations,
        in_flight: InFlight,
        *,
        flagged: str,
        baseline: str,
        rejudge: str,
        registry_position: Callable[[], int],
        generation: Callable[[], int],
        clock: Callable[[], datetime],
        on_crash: Crash,
        days_a_batch: float = DAYS_A_BATCH,
    ) -> None:
        """``open_history`` returns what is stored now, for one batch.

        ``registry_position`` is the offset before which the registry's records are known; ``generation``
        changes whenever partitions come or go.
        """
        self._open_history, self._store, self._in_flight = open_history, store, in_flight
        self._registry, self._expectations = registry, expectations
        self._flagged, self._baseline, self._rejudge = flagged, baseline, rejudge
        self._registry_position, self._clock, self._on_crash = registry_position, clock, on_crash
        self._days = days_a_batch
        self._announced_offset = -1
        self._pending = PendingRequests(generation)

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Rejudge what the batch asks for; see :class:`quantrac.io.records.Handler`.

        Raises ``ClickHouseBadData`` where the store cannot answer for a span.
        """
        self._expectations.refresh()
        requests, dead = _requests(batch)
        self._pending.take(requests)
        wait = self._wait_for(requests)
        if wait is not None:
            return wait
        history = self._open_history()
        try:
            due, later = self._share_out(history, requests)
            answers = {request.station: self._answer(history, request) for request in due}
            later += [
                _tail(request, history.newest(request.station))
                for request in due
                if _moves_bounds(request, answers[request.station])
            ]
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        neighbours = self._pending.leave_out(merged(_neighbour_requests(answers.values())))
        records = [
            *(self._revision(revision) for answer in answers.values() for revision in answer.revisions),
            *(self._bounds(station, answer.bounds) for station, answer in answers.items() if answer.bounds),
            *(self._request(request) for request in neighbours),
            *(self._request(request) for request in later),
        ]
        return Done(records, dead, [lambda: self._finish(neighbours, answers)])

    def _wait_for(self, requests: Sequence[RejudgeRequest]) -> NotNow | None:
        """Say what must come before the requests can be answered; ``None`` where nothing must."""
        offset = max(
            (-1 if each.registry_offset is None else each.registry_offset for each in requests), default=-1
        )
        if offset >= self._registry_position():
            return NotNow(f"the registry's record {offset} has not come yet", _SOON_SECONDS, is_usual=True)
        if offset > self._announced_offset:
            # What was judged before the validators knew of it is waited for, and then judged again here.
            self._announced_offset = offset
            self._in_flight.doubt()
            why = f"the registry's record {offset} is on its way to the validators"
            return NotNow(why, _NOTICE_SECONDS, is_usual=True)
        if not self._in_flight.is_stored({request.station for request in requests}):
            return NotNow("the flags of the last judgement are not stored yet", _SOON_SECONDS, is_usual=True)
        return None

    def _share_out(
        self, history: History, requests: Sequence[RejudgeRequest]
    ) -> tuple[list[RejudgeRequest], list[RejudgeRequest]]:
        """Split into what is due in this batch, one span a station, and what goes back to the topic."""
        first: dict[str, RejudgeRequest] = {}
        later: list[RejudgeRequest] = []
        for request in merged(requests):
            if request.station in first:
                later.append(request)
            else:
                first[request.station] = request
        share = DAY_DELTA * max(1.0, self._days / max(1, len(first)))
        due: list[RejudgeRequest] = []
        for station, request in first.items():
            # Past the newest reading there is nothing to do, however far a person's decision reaches.
            newest = history.newest(station)
            if newest == -math.inf or from_seconds(newest) < request.start:
                continue
            end = min(request.end, from_seconds(newest) + timedelta(seconds=1))
            if end - request.start > share:
                later.append(request.model_copy(update={"start": request.start + share, "end": end}))
                end = request.start + share
            due.append(request.model_copy(update={"end": end}))
        return due, later

    def _answer(self, history: History, request: RejudgeRequest) -> Rejudgement:
        span = Span(to_seconds(request.start), to_seconds(request.end), frozenset(request.causes))
        return rejudge(
            history, self._registry, self._expectations, request.station, span, on_crash=self._on_crash
        )

    def _finish(
        self, neighbours: Sequence[RejudgeRequest], answers: Mapping[str, Rejudgement]
    ) -> NotNow | None:
        """Note what has been written, then store the statistics."""
        self._pending.add(neighbours)
        return self._store_statistics(answers)

    def _store_statistics(self, answers: Mapping[str, Rejudgement]) -> NotNow | None:
        """Store the statistics, last of all: until then the same request gives the same answer again."""
        self._in_flight.add(
            station for station, answer in answers.items() if answer.revisions or answer.changed
        )
        now = self._clock()
        blocks = [baseline_columns(station, answer.changed, now) for station, answer in answers.items()]
        columns = {name: [value for block in blocks for value in block[name]] for name in (blocks or [{}])[0]}
        if columns and columns["station"]:
            try:
                self._store.insert("baseline_blocks", columns)
            except (ClickHouseAway, ClickHouseRefused) as error:
                return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
            except ClickHouseBadData as error:
                # Its messages are written, so no message can be given up for it; the next judgement of these
                # blocks computes their statistics anew.
                log.error("statistics of %s left out: %s", ", ".join(answers), error)
        return None

    def _revision(self, revision: FlaggedSet) -> Record:
        headers = {"file_id": revision.file_id, "traceparent": traceparent(revision.file_id)}
        return Record(
            self._flagged,
            revision.station.encode(),
            encode_flagged_set(revision),
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


def _moves_bounds(request: RejudgeRequest, answer: Rejudgement) -> bool:
    """Tell whether bounds of the current block may have moved; a block that just ended moves later ones."""
    return bool(answer.changed) and not {"block", BASELINE}.issuperset(request.causes)


def _tail(request: RejudgeRequest, newest: float) -> RejudgeRequest:
    """Ask for what comes after the ``newest`` reading while the validators still have the old bounds."""
    start = from_seconds(newest)
    end = start + timedelta(seconds=BLOCK)
    return RejudgeRequest(station=request.station, start=start, end=end, causes=[BASELINE])


def _neighbour_requests(answers: Iterable[Rejudgement]) -> Iterator[RejudgeRequest]:
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
