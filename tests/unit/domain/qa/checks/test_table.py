"""What holds for every quality test of the table."""

import ast
import doctest
import importlib
import inspect
import pkgutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantrac.domain.qa
import quantrac.domain.qa.checks
from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.number_lists import DistinctLists, NumberLists
from quantrac.domain.qa.window import Companions, Window
from support.effort import examples

GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9

MODULES = [
    module.name for module in pkgutil.walk_packages(quantrac.domain.qa.__path__, "quantrac.domain.qa.")
]
CHECKS_FOLDER = Path(quantrac.domain.qa.checks.__path__[0])
CODES = {"other", "first", "second", "expected"}
"""Thresholds that are texts."""
LISTS = {"codes", "sensor_codes", "suspect_codes"}
"""Thresholds that are lists of numbers."""

LACKING = (
    "not given",
    "no other parameter is given",
    "not known at this time",
    "not registered",
    "no unit is registered",
    "no equipment range",
    "of receipt is not known",
    "has stood is not known",
    "too little is known",
    "nothing is known",
    "no reading before",
    "the reading before is",
    "never moved",
    "needs",
)
"""How a test says that it was unable to judge."""


def module_of(name):
    return importlib.import_module(f"quantrac.domain.qa.checks.{name}")


@pytest.mark.parametrize("module", MODULES)
def test_the_worked_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0


@pytest.mark.parametrize("name", TESTS)
def test_both_functions_of_a_test_show_a_worked_example(name):
    examples = {
        each.name.rpartition(".")[2]: len(each.examples)
        for each in doctest.DocTestFinder().find(module_of(name))
    }
    assert examples[name] >= 1
    assert examples["explain"] >= 1


@pytest.mark.parametrize(("name", "test"), TESTS.items())
def test_a_test_its_module_and_its_function_share_one_name(name, test):
    assert (test.judge.__name__, test.judge.__module__) == (name, f"quantrac.domain.qa.checks.{name}")
    assert (test.explain.__name__, test.explain.__module__) == (
        "explain",
        f"quantrac.domain.qa.checks.{name}",
    )


@pytest.mark.parametrize(("name", "test"), TESTS.items())
def test_explain_takes_the_same_thresholds_as_the_test(name, test):
    judge, explain = inspect.signature(test.judge), inspect.signature(test.explain)
    assert list(map(str, judge.parameters.values())) == list(map(str, explain.parameters.values()))
    assert set(test.look_back) <= set(thresholds_of(test))


@pytest.mark.parametrize("name", TESTS)
def test_every_test_names_its_source(name):
    assert "\nSource: " in module_of(name).__doc__


def test_no_test_is_left_out_of_the_table():
    written = set()
    for file in CHECKS_FOLDER.glob("*.py"):
        statements = ast.parse(file.read_text(encoding="utf-8")).body
        functions = {statement.name for statement in statements if isinstance(statement, ast.FunctionDef)}
        if functions >= {file.stem, "explain"}:
            written.add(file.stem)
    assert set(TESTS) == written


def test_what_needs_the_outcomes_of_others_comes_second_and_baseline_tests_are_marked():
    assert [name for name, test in TESTS.items() if test.second_stage] == ["drops_with"]
    assert [name for name, test in TESTS.items() if test.on_missing] == ["gap"]
    assert {name for name, test in TESTS.items() if test.baseline} == {
        "stuck",
        "own_range",
        "own_rate",
        "neighbours",
    }


KNOWN = Window.of(
    [40.0, 60.0],
    past=[40.0] * 6,
    time=1_769_900_000.0,
    received=1_769_900_030.0,
    interval_minutes=5,
    replaced=39.0,
    own=(20.0, 60.0),
    own_step=4.0,
    recent=(20.0, 60.0),
    neighbours=45.0,
    neighbour_count=3,
    companions={"A": 40.0},
)
"""Two readings of which everything is known that a test may want."""

NUMERIC = [
    (name, threshold)
    for name, test in TESTS.items()
    for threshold, each in thresholds_of(test).items()
    if threshold not in CODES | LISTS and (each.default is each.empty or np.isfinite(each.default))
]


def thresholds(name, **given):
    """The defaults of a test, 1 for what has none, the parameter A for every other one."""
    return {
        threshold: given.get(
            threshold, "A" if threshold in CODES else 1.0 if each.default is each.empty else each.default
        )
        for threshold, each in thresholds_of(TESTS[name]).items()
    }


@pytest.mark.parametrize(("name", "threshold"), NUMERIC)
def test_a_threshold_that_is_not_given_is_not_evaluated_and_named_as_lacking(name, threshold):
    wanted = thresholds(name, **{threshold: np.nan})
    if name == "against_other":
        wanted = {**wanted, "at_most": 1.0}
    assert TESTS[name].judge(KNOWN, **wanted).tolist() == [NOT_EVALUATED, NOT_EVALUATED]
    for sentence in TESTS[name].explain(KNOWN, **wanted):
        assert any(phrase in sentence for phrase in LACKING), sentence


@pytest.mark.parametrize("name", TESTS)
def test_a_window_without_rows_has_no_outcomes(name):
    nothing = Window.of([])
    assert TESTS[name].judge(nothing, **thresholds(name)).tolist() == []
    assert TESTS[name].explain(nothing, **thresholds(name)) == []


ANY = st.floats() | st.sampled_from([0.0, 1.0, -1.0, 1e308, -1e308, np.inf, -np.inf, np.nan, 4.3e9, 300.0])
PLAIN_TESTS = st.integers(-5, 60).map(float) | st.sampled_from([np.nan, 0.5, -0.25])


@st.composite
def windows(draw, numbers):
    n, depth = draw(st.integers(0, 4)), draw(st.integers(0, 3))

    def column():
        return np.array(draw(st.lists(numbers, min_size=n, max_size=n)), dtype=float)

    def texts(*choices):
        return np.array(draw(st.lists(st.sampled_from(choices), min_size=n, max_size=n)), dtype=object)

    past = np.array([column() for _ in range(depth)]).reshape(depth, n).T
    gaps = draw(st.lists(st.sampled_from([0.5, 7.0, 300.0, 1800.0, 1e5]), min_size=depth, max_size=depth))
    value = column()
    time = np.array(
        draw(st.lists(st.sampled_from([0.0, 4.3e9, 946_684_800.0, 1.77e9, 615.0]), min_size=n, max_size=n)),
        dtype=float,
    )
    before = np.where(np.isnan(past), np.nan, time[:, None] - np.cumsum(gaps)[::-1])
    blank = Window.of(value, past=past if depth else (), time=time)
    return replace(
        blank,
        status=texts("00", "01", "02", "", "XX"),
        unit=texts("mg/L", ""),
        equal_since=time - 60 * column(),
        past_time=before,
        received=time + 60 * column(),
        interval=np.abs(column()),
        replaced=column(),
        own_low=column(),
        own_high=column(),
        own_step=column(),
        recent_low=column(),
        recent_high=column(),
        neighbours=column(),
        neighbour_count=column(),
        sample=np.arange(n, dtype=np.intp),
        companions=Companions(np.arange(n, dtype=np.intp), ["A"] * n, column()),
    )


@st.composite
def columns(draw, name, n, numbers):
    """Thresholds of a test, one a row."""
    codes = st.sampled_from(["A", "B", None])

    def column(threshold):
        if threshold in LISTS:
            lists = draw(st.lists(st.lists(numbers, max_size=3).map(tuple), min_size=1, max_size=3))
            index = draw(st.lists(st.integers(0, len(lists) - 1), min_size=n, max_size=n))
            return NumberLists(DistinctLists(lists), np.array(index, dtype=np.intp))
        texts = threshold in CODES
        values = draw(st.lists(codes if texts else numbers, min_size=n, max_size=n))
        return np.array(values, dtype=object if texts else float)

    return {threshold: column(threshold) for threshold in thresholds_of(TESTS[name])}


@pytest.mark.parametrize("name", TESTS)
@settings(max_examples=examples(50))
@given(data=st.data())
def test_no_number_breaks_a_test_and_no_row_depends_on_another(name, data):
    test = TESTS[name]
    with np.errstate(all="ignore"):
        window = data.draw(windows(ANY))
        given_ = data.draw(columns(name, len(window), ANY))
        try:
            outcome = test.judge(window, **given_)
        except ValueError as refusal:
            assert any(word in str(refusal) for word in ("above", "below"))
            return
        said = test.explain(window, **given_)
        one_by_one = [
            test.judge(
                window.take(np.array([row])), **{key: column[[row]] for key, column in given_.items()}
            ).tolist()
            for row in range(len(window))
        ]
    assert outcome.dtype == np.uint8
    assert set(outcome.tolist()) <= {GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING}
    assert len(said) == len(window)
    assert all(sentence.strip() and "\n" not in sentence for sentence in said)
    assert one_by_one == [[each] for each in outcome.tolist()]


@pytest.mark.parametrize("name", [name for name in TESTS if name not in ("status", "gap")])
@settings(max_examples=examples(50))
@given(data=st.data())
def test_explain_says_what_was_lacking_exactly_where_a_row_is_not_evaluated(name, data):
    window = data.draw(windows(PLAIN_TESTS))
    window = window.take(np.isfinite(window.value))
    given_ = data.draw(columns(name, len(window), PLAIN_TESTS))
    with np.errstate(all="ignore"):
        try:
            outcome = TESTS[name].judge(window, **given_)
        except ValueError:
            return
        said = TESTS[name].explain(window, **given_)
    assert [any(phrase in sentence for phrase in LACKING) for sentence in said] == [
        each == NOT_EVALUATED for each in outcome.tolist()
    ], said
