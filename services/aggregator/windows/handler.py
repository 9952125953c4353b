"""Orders the steps that dirty hours go through, and publishes what they have stored."""

import math
from collections import defaultdict
from collections.abc import Sequence

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.window_dirty import decode_window_dirty
from services.aggregator.windows.batch import Step, WindowBatch
from services.aggregator.windows.dirty_hours import hours_counted

# Clocks of two machines are taken to be no farther apart; publishing twice does no harm.
_CLOCKS_APART_SECONDS = 30

_RETRY_SECONDS = 2.0


class WindowsHandler:
    """Recomputes dirty hours and everything that is made of them; the same readings write nothing.

    The steps: averages, indices, exceedances, each from what the ones before it have stored; digests, from
    readings. After a death or a refusal the batch comes again and goes through all of them.
    """

    def __init__(self, steps: Sequence[Step], registry: Registry) -> None:
        """``steps`` in their order; the first ones make what the others read."""
        self._steps, self._registry = steps, registry
        self._unpublished: list[Record] = []
        """Messages whose rows are stored and which are not produced, because a later step had to wait."""

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Write what changed, then publish it; a ClickHouse that is away costs lag.

        Raises ``ClickHouseBadData`` where a table cannot hold a value.
        """
        hours: dict[str, set[tuple[str, int]]] = defaultdict(set)
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                station, windows = decode_window_dirty(record.value or b"")
            except BadMessage as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                hours[station] |= windows
        work = WindowBatch(
            hours_counted(hours, self._registry), _oldest(batch) - _CLOCKS_APART_SECONDS, self._unpublished
        )
        try:
            for step in self._steps:
                step.process(work)
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        messages, self._unpublished = self._unpublished, []
        return Done(messages, dead)


def _oldest(batch: Sequence[Record]) -> float:
    """Return when the oldest message was produced, in seconds since 1970; infinite where none says it."""
    return min((r.produced_at for r in batch if r.produced_at is not None), default=math.inf)
