"""How much the tests with many examples and long histories do: a part in `make test`, all in `make long`."""

import os
from typing import TypeVar

Amount = TypeVar("Amount")

IS_LONG = os.environ.get("QUANTRAC_TESTS") == "long"


def usual_or_long(usual: Amount, long: Amount) -> Amount:
    """Return how much a test does."""
    return long if IS_LONG else usual


def examples(number: int) -> int:
    """Return how many of its examples a property is tried on."""
    return usual_or_long(max(5, number // 3), number)
