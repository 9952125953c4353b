"""Requests that are written and not read yet: while one waits, the same one again would change nothing."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from schemas.messages.rejudge import RejudgeRequest

_Span: TypeAlias = tuple[object, ...]


class PendingRequests:
    """What this member has asked of stations whose requests come to itself.

    An hour that ends at a station is judged again at each of its neighbours: of k stations that stand close,
    each would be asked k times. A request that waits is answered from all that is stored by then, so one like
    it need not be written. Of stations whose requests come to another member, nothing is known here.
    """

    def __init__(self, generation: Callable[[], int]) -> None:
        """``generation`` changes whenever partitions come or go: then nothing is known any more."""
        self._generation, self._of_generation = generation, generation()
        self._spans: dict[str, set[_Span]] = {}
        """By station, of those whose requests have come to this member."""

    def take(self, requests: Iterable[RejudgeRequest]) -> None:
        """Note that requests have been read; to be called before what is stored is looked at."""
        generation = self._generation()
        if generation != self._of_generation:
            self._of_generation = generation
            self._spans.clear()
        for request in requests:
            self._spans.setdefault(request.station, set()).discard(_span(request))

    def add(self, requests: Iterable[RejudgeRequest]) -> None:
        """Note that requests have been written."""
        for request in requests:
            if request.station in self._spans:
                self._spans[request.station].add(_span(request))

    def leave_out(self, requests: Iterable[RejudgeRequest]) -> Sequence[RejudgeRequest]:
        """Return the requests of which none like them waits."""
        return [request for request in requests if _span(request) not in self._spans.get(request.station, ())]


def _span(request: RejudgeRequest) -> _Span:
    return (request.start, request.end, *request.causes, request.registry_offset)
