"""The words about rejects and doubts, and the examples in their modules."""

import doctest

import pytest

from quantrac.domain import numbers, rejects
from quantrac.domain.inspection import doubt
from quantrac.domain.inspection.doubt import ASSUMPTION_ADVICE, TEST_ADVICE, advise_on_doubt
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.rejects import REJECT_REASONS, advise_on, describe_reason


@pytest.mark.parametrize("module", [rejects, doubt, numbers])
def test_the_worked_examples_hold(module) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("reason", REJECT_REASONS)
def test_every_reason_says_what_it_means_and_what_to_do(reason: str) -> None:
    assert describe_reason(reason).endswith(".")
    assert advise_on(reason).endswith(".")


@pytest.mark.parametrize("code", [*TESTS, *ASSUMPTION_ADVICE])
def test_every_doubt_says_what_to_do(code: str) -> None:
    assert advise_on_doubt(code).endswith(".")
    assert (code in TEST_ADVICE or code in ASSUMPTION_ADVICE) == (
        "quality-control" not in advise_on_doubt(code)
    )
