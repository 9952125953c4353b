"""The loop that brings the province's stations to the ministry, and the ministry's answers back."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from http import HTTPStatus

from quantrac.io.progress import Progress
from quantrac.io.records import DeliveryFailed, Producer, Record
from schemas.messages.registry_requests import RegistryRequest
from schemas.registry_requests import encode_request, request_key
from services.forwarder.backoff import Backoff
from services.forwarder.ministry import DeliveryRefused, EntriesFirst, MinistryAway
from services.forwarder.registry.entries import Entries, Entry
from services.forwarder.registry.ministry import RegistryMinistry

log = logging.getLogger(__name__)

MOST_ENTRIES = 200
"""Entries of one post."""
MOST_BYTES = 1 << 20
"""Bytes of one post, uncompressed."""

ASK_SECONDS = 300.0
"""How often the ministry is asked where the requests stand, though no receipt says that any has changed."""
_REFUSED_SECONDS = 3_600.0
"""How often entries are posted again that the ministry does not take as requests: its accounts may change."""
_WAIT_SECONDS = 30.0
"""How long a delivery waits for the answer to its stations' entries since the last post was answered."""
_PATIENCE_SECONDS = 600.0
"""How long deliveries wait at most for a ministry that answers no posts: it may still answer deliveries."""
_AGAIN_SECONDS = 5.0
"""When entries are posted again that the ministry has answered and does not list."""
_GATHER_SECONDS, _GATHERINGS = 0.2, 10
"""How long no entry must have changed before they are posted, and how often that is waited for."""


class RegistrySync:
    """Posts entries that are due, asks where the requests stand, and keeps that in ``registry-request``."""

    def __init__(
        self,
        *,
        entries: Entries,
        ministry: RegistryMinistry,
        producer: Producer,
        topic: str,
        backoff: Backoff | None = None,
        progress: Progress | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries, self._ministry, self._producer, self._topic = entries, ministry, producer, topic
        self._backoff, self._monotonic = backoff or Backoff(), monotonic
        self.progress = progress or Progress(name="registry")
        self._unwritten: dict[str, RegistryRequest] = {}
        self._version = ""
        self._is_news = True
        self._asked_at = self._forgot_at = monotonic()
        self._wake = threading.Event()
        self._rounds = threading.Condition()
        self._count = 0
        """Of rounds that have ended, whichever way."""
        self._posts = 0
        """That were answered."""
        self._failure = ""
        """Why the last round failed; empty = it did not."""
        self._failing_since: float | None = None
        self._is_refused = False
        """Whether the ministry has refused the account or knows no registry: deliveries need not wait."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; a ministry that is away is asked again, with back-off."""
        while not stop.is_set():
            self.progress.round()
            self.progress.begin(1)
            pause = self.step()
            if self._failure:
                self.progress.postpone(self._failure)
            else:
                self.progress.end()
            self._wait(pause, stop)

    def step(self) -> float:
        """Do what is due; returns the seconds until the next round."""
        try:
            self._keep(())
            self._post_due()
            self._ask()
        except (MinistryAway, DeliveryFailed) as error:
            return self._fail(str(error), self._backoff.next(getattr(error, "retry_after", 0.0)))
        except DeliveryRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                log.warning("the ministry takes no registry; its own must have the stations")
                self._end_round("", is_refused=True)
                return ASK_SECONDS
            return self._fail(f"the registry was refused: {error}", self._backoff.next(), is_refused=True)
        self._backoff.reset()
        self._end_round("")
        return _AGAIN_SECONDS if self._entries.list_due() else ASK_SECONDS

    def note_change(self) -> None:
        """Let the loop look again: an entry of the registry has changed."""
        self._wake.set()

    def note_version(self, version: str) -> None:
        """Take the registry's version from a receipt: another one is a reason to ask."""
        if version and version != self._version:
            self._is_news = True
            self._wake.set()

    def wait_for(self, stations: Collection[str]) -> None:
        """Return once the ministry has answered the entries of stations, or need not or does not.

        Raises :class:`EntriesFirst` where the ministry does not answer at all.
        """
        with self._rounds:
            first, posts, end = self._count, self._posts, self._monotonic() + _WAIT_SECONDS
            if not self._entries.are_answered(stations):
                self._wake.set()
            while not (self._may_go() or self._entries.are_answered(stations)):
                if self._count > first and self._failure:
                    raise EntriesFirst(f"the stations' entries go first: {self._failure}")
                if self._posts != posts:  # a first start posts all stations of the province
                    posts, end = self._posts, self._monotonic() + _WAIT_SECONDS
                rest = end - self._monotonic()
                if rest <= 0 or not self._rounds.wait(rest):
                    return

    def _may_go(self) -> bool:
        since = self._failing_since
        return self._is_refused or (since is not None and self._monotonic() - since > _PATIENCE_SECONDS)

    def _post_due(self) -> None:
        now = self._monotonic()
        if now - self._forgot_at >= _REFUSED_SECONDS:
            self._forgot_at = now
            self._entries.forget_refusals()
        for entries in cut_posts(self._entries.list_due()):
            answer = self._ministry.post_entries([entry.content for entry in entries])
            try:
                refused = self._entries.take_answer(entries, answer)
            except ValueError as error:
                raise MinistryAway(f"the answer is about another post: {error}") from error
            self._keep(refused)
            self._is_news = True
            self._note_post()

    def _note_post(self) -> None:
        self.progress.end()
        self.progress.begin(1)
        with self._rounds:
            self._posts += 1
            self._rounds.notify_all()

    def _ask(self) -> None:
        now = self._monotonic()
        if not self._is_news and now - self._asked_at < ASK_SECONDS:
            return
        self._is_news = False
        try:
            answer = self._ministry.list_requests(self._version)
            if answer is not None:
                self._keep(self._entries.take_list(answer))
                self._version = answer.registry_version
        except BaseException:
            self._is_news = True
            raise
        self._asked_at = now

    def _keep(self, requests: Sequence[RegistryRequest]) -> None:
        """Write requests to the topic, and those that a broker has not confirmed before."""
        for request in requests:
            reason = f": {request.reason}" if request.reason else ""
            log.info("at the ministry station %s is %s%s", request.station, request.state, reason)
            self._unwritten[request.station] = request
        records = [
            Record(self._topic, request_key(code), encode_request(request))
            for code, request in self._unwritten.items()
        ]
        if records:
            self._producer.produce(records)
            self._producer.flush()
            self._unwritten.clear()

    def _fail(self, reason: str, pause: float, *, is_refused: bool = False) -> float:
        log.warning("the stations' entries wait: %s; again in %.1f s", reason, pause)
        self._end_round(reason, is_refused=is_refused)
        return pause

    def _end_round(self, failure: str, *, is_refused: bool = False) -> None:
        with self._rounds:
            self._count += 1
            self._failure, self._is_refused = failure, is_refused
            if not failure:
                self._failing_since = None
            elif self._failing_since is None:
                self._failing_since = self._monotonic()
            self._rounds.notify_all()

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        end = self._monotonic() + seconds
        while not stop.is_set() and not self._wake.wait(min(1.0, max(end - self._monotonic(), 0.0))):
            self.progress.round()
            if self._monotonic() >= end:
                return
        # An import changes many entries at once, and a table that is read anew shows older ones on its way.
        for _ in range(_GATHERINGS):
            self._wake.clear()
            if stop.wait(_GATHER_SECONDS) or not self._wake.is_set():
                return


def cut_posts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Cut entries into posts, bounded in number and size; one that is larger is a post of its own."""
    pending: list[Entry] = []
    size = 0
    for entry in entries:
        if pending and (len(pending) == MOST_ENTRIES or size + len(entry.content) > MOST_BYTES):
            yield pending
            pending, size = [], 0
        pending.append(entry)
        size += len(entry.content) + 1
    if pending:
        yield pending
