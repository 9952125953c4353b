"""The judge: reading sets in, flagged sets out."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

import numpy as np

from quantrac.domain.qa.evaluate import NOT_ASKED, Crash, Verdict, evaluate, raise_crash, roll_up
from quantrac.domain.qa.expectations import Expectations, Rules
from quantrac.domain.qa.memory import Arrivals, Memory
from quantrac.domain.qa.table import TESTS
from quantrac.domain.qa.window import Window
from quantrac.domain.readings import FlaggedReading, FlaggedSet, ReadingSet
from quantrac.domain.stations import Registry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Judge:
    """Judges readings in order of arrival, live or replayed; the cut into batches changes no flag.

    Late readings are judged against the readings before them in time; a reading is never judged against
    one that arrived after it.
    """

    def __init__(
        self, registry: Registry, rules: Rules, memory: Memory, *, on_crash: Crash = raise_crash
    ) -> None:
        self._rules, self._memory, self._on_crash = rules, memory, on_crash
        self._expectations = Expectations(registry, rules)

    def judge(self, sets: Sequence[ReadingSet]) -> list[FlaggedSet]:
        """Flag every reading of one batch, in order, and remember it.

        Rejects pass through. The readings of a set without a station belong to no series: they are judged
        without history and not remembered.
        """
        assigned = iter(self._judge([each for each in sets if each.station], self._memory))
        return [
            next(assigned) if each.station else self._judge([each], Memory(self._memory.depth))[0]
            for each in sets
        ]

    def _judge(self, sets: Sequence[ReadingSet], memory: Memory) -> list[FlaggedSet]:
        readings = [reading for each in sets for reading in each.readings]
        series: list[int] = []
        profiles: list[int] = []
        for each in sets:
            numbers = memory.series(each.station)
            series += [numbers[reading.parameter] for reading in each.readings]
            profiles += self._expectations.profiles(each.station, each.readings)
        window = memory.see(
            Arrivals.of(
                series=series,
                value=[reading.value for reading in readings],
                time=[reading.measured_at.timestamp() for reading in readings],
                status=[reading.status for reading in readings],
                unit=[reading.unit for reading in readings],
            )
        )
        thresholds, asked = self._expectations.of(np.array(profiles, dtype=np.intp))
        verdict = evaluate(window, thresholds, asked, on_crash=self._on_crash)
        return self._flagged(sets, verdict, window)

    def _flagged(self, sets: Sequence[ReadingSet], verdict: Verdict, window: Window) -> list[FlaggedSet]:
        rows = zip(
            _flags(verdict, self._rules.required | verdict.crashed),
            window.time.tolist(),
            window.equal_since.tolist(),
            strict=True,
        )
        return [
            FlaggedSet(
                station=each.station,
                file_id=each.file_id,
                file_name=each.file_name,
                account=each.account,
                transport=each.transport,
                received_at=each.received_at,
                format=each.format,
                rules=self._rules.version,
                readings=[
                    FlaggedReading(
                        reading.line,
                        reading.parameter,
                        reading.value,
                        reading.text,
                        reading.unit,
                        reading.measured_at,
                        reading.status,
                        flag,
                        tests.copy(),
                        # Most values have just changed: their own time needs no new object.
                        reading.measured_at if since == time else EPOCH + timedelta(seconds=since),
                    )
                    for reading, ((flag, tests), time, since) in zip(each.readings, rows, strict=False)
                ],
                rejects=each.rejects,
            )
            for each in sets
        ]


def _flags(verdict: Verdict, needed: AbstractSet[str]) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield flag and outcomes of each row, the same pair for rows of the same outcomes."""
    known: dict[bytes, tuple[int, dict[str, int]]] = {}
    width = verdict.outcomes.shape[1]
    packed = verdict.outcomes.tobytes()
    for start in range(0, len(packed), width):
        row = packed[start : start + width]
        if row not in known:
            tests = {name: outcome for name, outcome in zip(TESTS, row, strict=True) if outcome != NOT_ASKED}
            known[row] = int(roll_up(tests, needed)), tests
        yield known[row]
