"""The judge: reading sets in, flagged sets out."""

import gc
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.decisions import NOT_DECIDED, decided
from quantrac.domain.qa.evaluate import NOT_RUN, Crash, Verdict, evaluate, raise_crash, roll_up
from quantrac.domain.qa.live.batch import Batch, Outcome
from quantrac.domain.qa.live.memory import (
    Memory,
)
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.qa.window import Floats
from quantrac.domain.readings import FlaggedReading, FlaggedSet, Provisional, ReadingSet
from quantrac.domain.stations import Registry

MOST_COMBINATIONS = 10_000
"""Combinations of outcomes whose flag is kept; a country shows some hundreds."""


class _Outcomes(dict[bytes, Outcome]):
    """What a row of outcomes means, worked out when it is first met."""

    def __init__(self, needed: AbstractSet[str]) -> None:
        self._needed = needed

    def __missing__(self, row: bytes) -> Outcome:
        tests = {name: each for name, each in zip(TESTS, row, strict=True) if each != NOT_RUN}
        found = self[row] = int(roll_up(tests, self._needed)), tests
        return found


class Judge:
    """Judges readings in order of arrival; the cut into batches changes nothing.

    A reading is judged at once with what is known before it. What may have to be judged again from the
    stored readings is said in the set's ``provisional``; all other flags are final.
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
        self._registry, self._book, self._memory, self._on_crash = registry, book, memory, on_crash
        self._baseline = baseline if baseline is not None else Baselines()
        self._expectations = Expectations(registry, book)
        self._known: dict[frozenset[str], _Outcomes] = {}

    def judge(self, sets: Sequence[ReadingSet]) -> list[FlaggedSet]:
        """Flag every reading of one batch, in order, and remember it.

        Rejects pass through. The readings of a set without a station belong to no series: they are judged
        without a past and not remembered.
        """
        with _no_collection():
            return self._judge(sets)

    def _judge(self, sets: Sequence[ReadingSet]) -> list[FlaggedSet]:
        self._expectations.refresh()
        batch = Batch(sets, self._expectations, self._memory, self._baseline)
        if not batch.readings:
            return [self._set(each, [], self._version(each), None) for each in sets]
        arrivals, profiles = batch.arrivals(), batch.profile
        seen = self._memory.see(arrivals)
        thresholds = self._expectations.thresholds(profiles, arrivals.time)
        asked = self._expectations.enabled_tests(profiles)
        verdict = evaluate(batch.window(arrivals, seen), thresholds, asked, on_crash=self._on_crash)
        outcomes = self._outcomes(verdict, self._expectations.required_set_indices(profiles).tolist())
        self._decide(batch, arrivals.time, outcomes)
        flagged = batch.flagged(outcomes, arrivals.time, seen)
        provisional = batch.provisional(arrivals, seen, asked)
        return [
            self._set(
                each,
                flagged[start:end],
                self._expectations.version(int(profiles[start])) if end > start else self._version(each),
                provisional.get(number),
            )
            for number, (each, (start, end)) in enumerate(zip(sets, pairwise(batch.starts), strict=True))
        ]

    def _outcomes(self, verdict: Verdict, demands: Sequence[int]) -> list[Outcome]:
        """Return flag and outcomes of each row, the same objects for rows of the same outcomes."""
        needed = {each: self._expectations.required_set(each) | verdict.crashed for each in set(demands)}
        known = {each: self._known.setdefault(tests, _Outcomes(tests)) for each, tests in needed.items()}
        rows: list[bytes] = verdict.outcomes.view(f"V{verdict.outcomes.shape[1]}").ravel().tolist()
        found = [known[demand][row] for demand, row in zip(demands, rows, strict=True)]
        if max(map(len, self._known.values())) > MOST_COMBINATIONS:
            self._known.clear()
        return found

    def _decide(self, batch: Batch, time: Floats, outcomes: list[Outcome]) -> None:
        """Let people's decisions win; only stations that have any pay for it."""
        decisions = {station: self._registry.decisions_of(station) for station in set(batch.stations)}
        if not any(decisions.values()):
            return
        for station, (start, end) in zip(batch.stations, pairwise(batch.starts), strict=True):
            if decisions[station]:
                names = np.array(batch.parameter[start:end], dtype=object)
                flags = decided(decisions[station], names, time[start:end])
                for row in np.flatnonzero(flags != NOT_DECIDED).tolist():
                    flag = int(flags[row])
                    outcomes[start + row] = flag, {**outcomes[start + row][1], "decision": flag}

    def _version(self, each: ReadingSet) -> str:
        return self._book.rules(each.received_at, each.received_at).version

    def _set(
        self, each: ReadingSet, readings: list[FlaggedReading], rules: str, provisional: Provisional | None
    ) -> FlaggedSet:
        return FlaggedSet(
            each.station,
            each.file_id,
            each.file_name,
            each.account,
            each.transport,
            each.received_at,
            each.format,
            rules,
            readings,
            each.rejects,
            provisional=provisional,
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Put off the search for cycles: thousands of objects without any are made, and it costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
