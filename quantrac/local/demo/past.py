"""The demo's past: which stations have one, and how long it is."""

import os

from quantrac.domain.numbers import NumberError, read_plain
from quantrac.errors import UserError

STATIONS = (
    "HN_DEMO_KHI001",
    "HN_DEMO_KHI002",
    "HN_DEMO_NUOSHO",
    "HN_DEMO_KHIOK1",
    "HN_DEMO_NUOTH1",
    "DEMO_NUOBVI",
)
"""At least one of each kind of table that analysts read; two of air, to be compared."""

VARIABLE = "QUANTRAC_DEMO_PAST_DAYS"
DAYS = 7.0
_MOST_DAYS = 59
"""What is older than 60 days counts as a clock without power (the test ``age``)."""


def past_days() -> float:
    """Return how many days of past the demo gets: those of the environment, 0 = none, else a week.

    Raises UserError where the variable holds no such number.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return DAYS
    try:
        days = read_plain(text)
    except NumberError as error:
        raise UserError(f"{VARIABLE}: {error}") from error
    if not 0 <= days <= _MOST_DAYS:
        raise UserError(f"{VARIABLE}: {text} does not lie between 0 and {_MOST_DAYS} days")
    return days
