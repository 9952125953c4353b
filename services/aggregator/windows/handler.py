"""Decides which averages a set of dirty hours becomes: recomputed from what is stored, never incremented."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import ValidationError

from quantrac.domain.averaging import AverageRules
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import hour_start
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.messages.aggregates import WindowDirty
from services.aggregator.windows.averages.queries import AverageTables
from services.aggregator.windows.averages.step import AverageStep
from services.aggregator.windows.columns import day_start
from services.aggregator.windows.dirty_hours import looks
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.indices.step import IndexStep

# Clocks of two machines are taken to be no farther apart; what is told twice does no harm.
_CLOCKS_APART_SECONDS = 30

_RETRY_SECONDS = 2.0


class WindowsHandler:
    """Recomputes dirty hours and every longer average they enter; the same readings write nothing.

    Three steps, each from what the one before has stored: hours from readings; 8-hour means and days from
    hours; months and years from days. After a death or a refusal the batch comes again and does all three.
    """

    def __init__(
        self,
        tables: AverageTables,
        registry: Registry,
        *,
        aggregated: str,
        clock: Callable[[], datetime],
        rules: AverageRules = AverageRules(),  # noqa: B008  # frozen
        exceedances: ExceedanceStep | None = None,
    ) -> None:
        """``exceedances`` judges what is recomputed; ``None`` = nothing is judged."""
        self._tables, self._registry, self._aggregated, self._clock = tables, registry, aggregated, clock
        self._exceedances = exceedances
        self._averages = AverageStep(tables, registry, aggregated=aggregated, clock=clock, rules=rules)
        self._indices = IndexStep(tables, registry, aggregated=aggregated, clock=clock, rules=rules)
        self._untold: list[Record] = []
        """What is written and not told yet, since a later step of the batch had to wait."""
        self._since = math.inf
        """What is stored since then, in seconds since 1970, may not have been told."""

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Write the averages that changed, then tell ``aggregated``; a ClickHouse that is away costs lag.

        Raises ``ClickHouseBadData`` where a table cannot hold a value.
        """
        wanted: dict[str, set[tuple[str, int]]] = defaultdict(set)
        dead: list[DeadLetter] = []
        produced = [record.produced_at for record in batch if record.produced_at is not None]
        self._since = min(produced) - _CLOCKS_APART_SECONDS if produced else math.inf
        for record in batch:
            try:
                dirty = WindowDirty.model_validate_json(record.value or b"")
            except ValidationError as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                hours = ((w.parameter, int(hour_start(w.hour).timestamp())) for w in dirty.windows)
                wanted[dirty.station].update(hours)
        try:
            touched = self._averages.recompute(wanted, self._since, self._untold)
            units = self._averages.units
            for look in looks(wanted, day_start):
                self._indices.publish(look, units, self._since, self._untold)
            if self._exceedances:
                self._exceedances.judge(touched, units, self._since, self._untold)
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        told, self._untold = self._untold, []
        return Done(told, dead)
