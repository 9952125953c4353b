"""The proof: whatever the order of arrival, live and rejudging together end with the flags of the batch form.

The pipeline is whole but for the network: the live judge, a store in memory, requests to rejudge that are
worked off at random times, limits that go back to the judge, and restarts from the judge's own output.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.baseline.neighbour_hours import combine_hours, hour_medians, neighbours_of
from quantrac.domain.qa.baseline.update import Span
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.rejudge import rejudge
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Flag, FlaggedSet, Readings
from quantrac.domain.registry.activations import Activation
from quantrac.domain.registry.decisions import Decision
from quantrac.testing.history import HistoryInMemory
from schemas.rules import RuleBook
from support.effort import examples, usual_or_long
from support.qa import ONE, OTHER, START, STRICTER, a_set, disordered, files, reading, registry, rules

DAYS = usual_or_long(10, 30)


class Pipeline:
    """Judge, store and rejudging of a province."""

    def __init__(self, *, prompt: bool = True) -> None:
        """Bounds reach the judge at once if ``prompt``, else with :meth:`tell`."""
        self.prompt = prompt
        self.registry = registry()
        self.book = RuleBook(rules(), self.registry)
        self.history, self.baseline = HistoryInMemory(), Baselines()
        self.expectations = Expectations(self.registry, self.book)
        self.requests: list[tuple[str, Span]] = []
        self.asked: list[tuple[str, Span]] = []
        """All requests so far."""
        self.output: list[FlaggedSet] = []
        self.sets = []
        self.published: list[tuple[str, dict]] = []
        self.restart(0)

    def restart(self, remembered):
        """Begin anew with the newest sets of the judge's own output, at least the newest of each station."""
        memory = Memory()
        tail = self.output[len(self.output) - min(remembered, len(self.output)) :]
        newest = {}
        for each in self.output:
            if not each.revision and each.readings:
                known = newest.get(each.station)
                last = max(each.readings.measured_at)
                if known is None or last >= max(known.readings.measured_at):
                    newest[each.station] = each
        if self.output:
            memory.remember([*(each for each in newest.values() if each not in tail), *tail])
            memory.is_complete = False
        self.judge = Judge(self.registry, self.book, memory, baseline=self.baseline)

    def take(self, sets):
        """One batch: judge it, store it, and ask for what is provisional."""
        self.sets += sets
        for flagged in self.judge.judge(sets):
            self.output.append(flagged)
            self.history.insert(flagged)
            if flagged.provisional is not None:
                provisional = flagged.provisional
                span = Span(
                    provisional.start.timestamp(), provisional.end.timestamp(), frozenset(provisional.causes)
                )
                self.requests.append((flagged.station, span))
                self.asked.append((flagged.station, span))

    def next_request(self):
        """The oldest request, joined with those of its station that touch it."""
        station, span = self.requests.pop(0)
        for request in list(self.requests):
            there, other = request
            if there == station and other.start <= span.end and span.start <= other.end:
                self.requests.remove(request)
                start, end = min(span.start, other.start), max(span.end, other.end)
                span = Span(start, end, span.causes | other.causes)
        return station, span

    def rejudge(self, count=None):
        """Work off requests, oldest first."""
        while self.requests and (count is None or count > 0):
            station, span = self.next_request()
            answer = rejudge(self.history, self.registry, self.expectations, station, span)
            for revision in answer.revisions:
                self.output.append(revision)
                self.history.insert(revision)
            if answer.bounds:
                self.published.append((station, answer.bounds))
                if self.prompt:
                    self.tell()
            self.history.store(station, answer.changed)
            self.requests += answer.neighbours.items()
            count = None if count is None else count - 1

    def tell(self):
        """Let the judge have the bounds that were published."""
        for station, bounds in self.published:
            self.baseline.put(station, bounds)
        self.published.clear()

    def flags(self, station):
        """The flags as stored, by parameter and time."""
        return self.history.flags(station)

    def at_once(self, station):
        """The flags of the batch form over everything, by parameter and time."""
        stored = {code: StationReadings.of_sets(code, self.sets) for code in (ONE, OTHER)}
        here = stored[station]
        near = [
            hour_medians(stored[each], stored[each].newest) for each in neighbours_of(self.registry, station)
        ]
        hours = combine_hours(here.newest, near)
        judged = judge_span(
            here,
            Expectations(self.registry, self.book),
            neighbours=lambda _first, _last: hours,
            decisions=self.registry.decisions_of(station),
        )
        keys = zip(here.parameter.tolist(), here.time.tolist(), strict=True)
        return dict(zip(keys, judged.flag.tolist(), strict=True))

    def differences(self):
        """Where the two disagree: (station, parameter, minute) -> (stored, at once)."""
        found = {}
        for station in (ONE, OTHER):
            if not any(each.station == station for each in self.sets):
                continue
            stored, wanted = self.flags(station), self.at_once(station)
            assert stored.keys() == wanted.keys()
            for code, time in sorted(key for key in wanted if stored[key] != wanted[key]):
                minute = (time - START.timestamp()) / 60
                found[station, code, minute] = stored[code, time], wanted[code, time]
        return found


def both(hours, seed, step=5):
    """The files of two stations as they come when nothing is late."""
    sets = [
        *files(ONE, hours=hours, seed=seed, step=step),
        *files(OTHER, hours=hours, seed=seed + 1, step=step),
    ]
    return sorted(sets, key=lambda each: each.received_at)


def stream(pipeline, sets, random, *, batch=40, restarts=0.0, rejudging=0.5):
    """Send sets in batches of random size, restarting and rejudging at random times; rejudge the rest."""
    start = 0
    while start < len(sets):
        end = start + int(random.integers(1, batch))
        pipeline.take(sets[start:end])
        start = end
        if random.random() < 0.3:
            pipeline.tell()
        if random.random() < restarts:
            pipeline.restart(int(random.integers(0, 200)))
        if random.random() < rejudging:
            pipeline.rejudge(int(random.integers(1, 30)))
    pipeline.rejudge()


def test_weeks_in_order_are_the_weeks_at_once():
    pipeline = Pipeline()
    stream(pipeline, both(24 * DAYS, seed=31, step=10), np.random.default_rng(1), rejudging=1.0)
    assert pipeline.differences() == {}
    assert {1, 3, 4, 9} <= set(pipeline.flags(ONE).values())


def test_weeks_in_disorder_with_restarts_are_the_weeks_at_once():
    pipeline = Pipeline()
    random = np.random.default_rng(2)
    sets = disordered(both(24 * DAYS, seed=32, step=10), random)
    stream(pipeline, sets, random, restarts=0.02)
    assert pipeline.differences() == {}
    assert {1, 3, 4, 9} <= set(pipeline.flags(ONE).values())
    assert sum(each.revision > 0 for each in pipeline.output) > 100


def test_limits_that_come_late_to_the_judge_are_made_up_for_when_the_block_is_over():
    pipeline = Pipeline(prompt=False)
    random = np.random.default_rng(6)
    stream(pipeline, disordered(both(24 * 10, seed=36, step=10), random), random)
    current = {station: pipeline.history.newest(station) // blocks.BLOCK for station in (ONE, OTHER)}
    start = {station: (block * blocks.BLOCK - START.timestamp()) / 60 for station, block in current.items()}
    assert [key for key in pipeline.differences() if key[2] < start[key[0]]] == []


def test_parameters_that_come_hours_after_one_another_are_rejudged():
    pipeline = Pipeline()
    random = np.random.default_rng(5)
    lag = {(ONE, "CO"): 150, (ONE, "PM10"): 20, (OTHER, "PM2.5"): 500, (OTHER, "CO"): 40}
    parts = []
    for each in both(24 * 3, seed=35, step=10):
        for one in each.readings:
            received = each.received_at + timedelta(minutes=lag.get((each.station, one.parameter), 0))
            parts.append(replace(each, readings=Readings.of([one]), received_at=received))
    parts = [
        replace(
            each, received_at=each.received_at + timedelta(milliseconds=number % 1000), file_id=str(number)
        )
        for number, each in enumerate(parts)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "AT_LEAST", 1)  # so that a limit is known soon
        stream(pipeline, sorted(parts, key=lambda each: each.received_at), random)
        assert pipeline.differences() == {}


def test_a_clock_that_was_days_ahead_for_a_while_leaves_no_mark_on_the_rest():
    pipeline = Pipeline()
    random = np.random.default_rng(7)
    sets = both(24 * 4, seed=37, step=10)
    for place in random.choice(len(sets), 20, replace=False):
        at = sets[place].readings[0].measured_at + timedelta(days=9, minutes=int(random.integers(600)))
        ahead = [replace(one, measured_at=at) for one in sets[place].readings]
        sets[place] = replace(sets[place], readings=Readings.of(ahead))
    stream(pipeline, sets, random)
    assert pipeline.differences() == {}


def test_a_clock_that_lost_its_power_for_a_while_leaves_no_mark_on_the_rest():
    pipeline = Pipeline()
    random = np.random.default_rng(8)
    sets = both(24 * 2, seed=38, step=10)
    for place in [0, *random.choice(len(sets), 20, replace=False)]:
        at = datetime(2000, 1, 1, 0, int(random.integers(60)), tzinfo=UTC)
        reset = [replace(one, measured_at=at) for one in sets[place].readings]
        sets[place] = replace(sets[place], readings=Readings.of(reset))
    stream(pipeline, sets, random)
    assert pipeline.differences() == {}
    assert max((span.end - span.start for _, span in pipeline.asked), default=0) < 10 * 86400


def test_a_change_of_rules_holds_from_the_receipt_of_a_file_on():
    pipeline = Pipeline()
    random = np.random.default_rng(3)
    sets = disordered(both(24 * 6, seed=33, step=10), random, furthest=600)
    half = len(sets) // 2
    stricter = rules(STRICTER)
    change = sets[half].received_at.replace(microsecond=0) + timedelta(seconds=1)
    switch = Activation(
        id="1", version=stricter.version, content=stricter.content, by="Lan", why="trial",
        activated_at=change, received_from=change,
    )  # fmt: skip
    stream(pipeline, sets[:half], random)
    pipeline.registry.rules = {"1": switch}
    stream(pipeline, sets[half:], random)
    assert pipeline.differences() == {}
    versions = {each.rules for each in pipeline.output if each.readings}
    assert versions == {rules().version, stricter.version}


def test_a_decision_in_the_middle_is_rejudged_back_and_holds_for_what_comes():
    pipeline = Pipeline()
    random = np.random.default_rng(4)
    sets = disordered(both(24 * 6, seed=34, step=10), random, furthest=600)
    half = len(sets) // 2
    stream(pipeline, sets[:half], random)
    start, end = START + timedelta(days=2), START + timedelta(days=4)
    word = Decision("1", ONE, start, end, Flag.FAIL, "Lan", "span gas", end, parameters=("CO",))
    pipeline.registry.decide("1", word)
    pipeline.requests.append((ONE, Span(start.timestamp(), end.timestamp(), frozenset({"decision"}))))
    stream(pipeline, sets[half:], random)
    assert pipeline.differences() == {}
    span = [
        flag for (code, time), flag in pipeline.flags(ONE).items()
        if code == "CO" and start.timestamp() <= time < end.timestamp()
    ]  # fmt: skip
    assert set(span) == {Flag.FAIL}


arrivals = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from([20.0, 20.0, 20.5, 31.0, 300.0, 5000.0, -1.0, 0.0, np.nan]),
        st.sampled_from(["PM2.5", "PM2.5", "PM10", "CO"]),
        st.sampled_from(["00", "00", "00", "02"]),
        st.sampled_from([ONE, ONE, OTHER]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.too_slow])
@given(arrivals, st.integers(0, 2**32), st.sampled_from([5, 20, 55]))
def test_whatever_the_order_of_arrival_the_flags_are_those_of_the_batch_form(given_arrivals, seed, step):
    sets = []
    for number, (slot, value, code, status, station) in enumerate(given_arrivals):
        received = START + timedelta(days=3, seconds=number)
        sets.append(a_set(reading(step * slot, value, code, status), station=station, received=received))
    pipeline = Pipeline()
    with pytest.MonkeyPatch.context() as patch:
        # A short baseline is enough, so that baselines have their part in these small cases.
        patch.setattr(blocks, "AT_LEAST", 1)
        patch.setattr(blocks, "READINGS", 1)
        patch.setattr(blocks, "RECENT_AT_LEAST", 1)
        stream(pipeline, sets, np.random.default_rng(seed), batch=6, restarts=0.1)
        assert pipeline.differences() == {}


@pytest.mark.parametrize("is_first", [True, False], ids=["before live data", "after live data"])
def test_history_that_is_imported_ends_with_the_flags_of_the_batch_form(is_first):
    pipeline = Pipeline()
    random = np.random.default_rng(8)
    sets = both(24 * 8, seed=38, step=10)
    at = START + timedelta(days=400)
    border = START + timedelta(days=6)
    history = [
        replace(each, transport="import", received_at=at + timedelta(milliseconds=n))
        for n, each in enumerate(each for each in sets if each.received_at < border)
    ]
    live = [each for each in sets if each.received_at >= border]
    stream(pipeline, [*history, *live] if is_first else [*live, *history], random, restarts=0.05)
    assert pipeline.differences() == {}
    flags = pipeline.flags(ONE).values()
    assert {1, 3, 4, 9} <= set(flags)
    assert list(flags).count(1) > 500  # though all history is older than the 20 days of `age`
