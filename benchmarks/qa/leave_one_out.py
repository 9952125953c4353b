"""Thresholds for one station, taken from the other stations of its parameter only.

Limits in units follow from what good readings of the others do (:mod:`ours`). The factors without a unit that
:data:`CANDIDATES` names are chosen one after the other: each the value with the best F1 of events at the
others, of equals the best F1 of points, then the middle one, as far as can be from what would do worse. The
judged station's labels and readings have no part in either.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import ours
from numpy.typing import NDArray
from scoring import Score, events, points
from series import Series

Mask = NDArray[np.bool_]
Thresholds = Mapping[str, Mapping[str, float]]
"""By test and keyword."""

CANDIDATES: Mapping[tuple[str, str], Sequence[float]] = {
    ("spike", "return_share"): (0.5, 0.6, 0.7, 0.8),
    ("own_rate", "factor"): (4, 5, 6, 8, 12, 16, 24),
    ("own_range", "spans"): (0.67, 1, 2, 4, 8),
}
"""Values by test and threshold, in order; a test that the national rules switch off for the
parameter stays off."""
BAD = (3, 4)


class LeaveOneOut:
    """Flags of labelled series by thresholds from other stations."""

    def __init__(self, every: Sequence[Series]) -> None:
        self._every = every
        self._flags = cache(self._judge)

    def limits(self, judged: Series) -> Thresholds:
        """Return only the limits in units that the other stations give, over the national rules."""
        return ours.limits_from(self._others(judged), judged.parameter)

    def thresholds(self, judged: Series) -> Thresholds:
        """Return all that the other stations give for a series, over the national rules."""
        others = self._others(judged)
        chosen: dict[str, dict[str, float]] = {}
        for (test, threshold), values in CANDIDATES.items():
            if others and ours.is_judged_by(judged, test):
                scores = [self._score(others, test, threshold, value) for value in values]
                best = [value for value, score in zip(values, scores, strict=True) if score == max(scores)]
                chosen.setdefault(test, {})[threshold] = best[len(best) // 2]
        for test, limits in self.limits(judged).items():
            chosen.setdefault(test, {}).update(limits)
        return chosen

    def _others(self, judged: Series) -> list[Series]:
        others = [s for s in self._every if s.parameter == judged.parameter and s.station != judged.station]
        return [s for s in others if s.medium == judged.medium] or others

    def _score(
        self, others: Sequence[Series], test: str, threshold: str, value: float
    ) -> tuple[float, float]:
        """Return the F1 of events and of points at the other stations; 0 where nothing is labelled."""

        def f1(count: Callable[[Mask, Mask, Mask], Score]) -> float:
            counts = (
                count(s.labelled, self._flags(s.name, test, threshold, value), s.excluded) for s in others
            )
            return float(np.nan_to_num(sum(counts, Score()).f1))

        return f1(events), f1(points)

    def _judge(self, name: str, test: str, threshold: str, value: float) -> Mask:
        [series] = [s for s in self._every if s.name == name]
        return flag(series, {test: {threshold: value}})


def flag(series: Series, thresholds: Thresholds) -> Mask:
    """Return which readings (n,) are SUSPECT or FAIL by thresholds over the national rules."""
    with tempfile.TemporaryDirectory() as folder:
        rules = ours.write_rules(series, thresholds, Path(folder) / "rules.yaml")
        flags = ours.flag_series(
            series.times, series.values, series.parameter, series.medium, series.interval_seconds, rules
        )
    return np.isin(flags, BAD)
