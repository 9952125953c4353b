"""The judge: reading sets in, flagged sets out."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.decisions import NOT_DECIDED, decision_flags
from quantrac.domain.qa.evaluate import Crash, evaluate, raise_crash
from quantrac.domain.qa.live.batch import BatchColumns, read_batch
from quantrac.domain.qa.live.causes import (
    add_causes_of_rows,
    add_companions,
    add_finished_periods,
    advance_stations,
)
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.live.outcomes import OutcomeCache, equal_since_by_set, flag_readings
from quantrac.domain.qa.live.provisional import ProvisionalSpans
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.qa.window import Outcomes
from quantrac.domain.readings import FlaggedReadings, FlaggedSet, Provisional, ReadingSet
from quantrac.domain.registry.registry import Registry


class Judge:
    """Judges readings in order of arrival; the cut into batches changes nothing.

    A reading is judged at once with what is known before it. What may have to be rejudged from the stored
    readings is said in the set's ``provisional``; all other flags are final.
    """

    def __init__(
        self,
        registry: Registry,
        book: RuleBook,
        memory: Memory,
        *,
        baseline: Baselines | None = None,
        on_crash: Crash = raise_crash,
    ) -> None:
        """Without a baseline the tests that need one leave their readings provisional."""
        self._registry, self._book, self._memory, self._on_crash = registry, book, memory, on_crash
        self._baseline = baseline if baseline is not None else Baselines()
        self._expectations = Expectations(registry, book)
        self._outcome_cache = OutcomeCache()

    def judge(self, sets: Sequence[ReadingSet]) -> list[FlaggedSet]:
        """Flag every reading of one batch, in order, and remember it.

        Rejects pass through. The readings of a set without a station belong to no series: they are judged
        without a past and not remembered.
        """
        expectations = self._expectations
        expectations.refresh()
        batch = read_batch(sets, expectations, self._memory, self._baseline)
        if not len(batch):
            return [self._flag_set(s, FlaggedReadings(), None, None) for s in sets]
        # What was known before the batch, and then before each of its readings.
        spans = ProvisionalSpans(batch.starts)
        add_companions(spans, batch, self._memory)
        finished = advance_stations(batch, self._memory)
        past = self._memory.add(batch.arrivals)
        # What the tests say of it, and what people decided.
        time, profiles = batch.arrivals.time, batch.profile
        window = batch.window(past, expectations.intervals(profiles))
        thresholds, enabled = expectations.thresholds(profiles, time), expectations.enabled_tests(profiles)
        verdict = evaluate(window, thresholds, enabled, on_crash=self._on_crash)
        decisions = self._decisions(batch)
        outcomes = self._outcome_cache.outcomes(verdict, decisions, profiles, expectations, batch.starts)
        # What may still change.
        add_causes_of_rows(spans, batch, past, enabled, finished)
        add_finished_periods(spans, batch, past, enabled, finished)
        provisional = spans.by_set()
        equal_since = equal_since_by_set(sets, batch, past)
        return [
            self._flag_set(
                reading_set,
                flag_readings(reading_set.readings, outcomes[index], equal_since[index]),
                int(profiles[start]) if end > start else None,
                provisional.get(index),
            )
            for index, (reading_set, (start, end)) in enumerate(
                zip(sets, pairwise(batch.starts), strict=True)
            )
        ]

    def _decisions(self, batch: BatchColumns) -> Outcomes:
        """Return the flags (n,) that people gave; only stations that have any pay for it."""
        flag = np.full(len(batch), NOT_DECIDED, dtype=np.uint8)
        decisions = {file.station: self._registry.decisions_of(file.station) for file in batch.files}
        if any(decisions.values()):
            for file, (start, end) in zip(batch.files, pairwise(batch.starts), strict=True):
                flag[start:end] = decision_flags(
                    decisions[file.station], file.parameters, np.array(file.times)
                )
        return flag

    def _flag_set(
        self,
        reading_set: ReadingSet,
        readings: FlaggedReadings,
        profile: int | None,
        provisional: Provisional | None,
    ) -> FlaggedSet:
        """Return the set with flagged readings; ``profile`` is that of the first, if there is one."""
        received_at = reading_set.received_at
        if profile is None:
            version = self._book.rules(received_at, received_at).version
        else:
            version = self._expectations.version(profile)
        return FlaggedSet(
            reading_set.station,
            reading_set.file_id,
            reading_set.file_name,
            reading_set.account,
            reading_set.transport,
            received_at,
            reading_set.format,
            version,
            readings,
            reading_set.rejects,
            provisional=provisional,
        )
