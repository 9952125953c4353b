"""The table of tests: what is not here does not run, and a rule file cannot name it."""

import inspect
from collections.abc import Callable, Mapping

from quantrac.domain.qa.equipment_range import equipment_range
from quantrac.domain.qa.flat_line import flat_line
from quantrac.domain.qa.spike import spike
from quantrac.domain.qa.status import status
from quantrac.domain.qa.unit import unit
from quantrac.domain.qa.window import Outcomes

Test = Callable[..., Outcomes]

TESTS: Mapping[str, Test] = {
    "status": status,
    "unit": unit,
    "equipment_range": equipment_range,
    "flat_line": flat_line,
    "spike": spike,
}


def thresholds_of(test: Test) -> dict[str, inspect.Parameter]:
    """Return a test's thresholds by keyword.

    >>> list(thresholds_of(equipment_range))
    ['low', 'high']
    """
    parameters = inspect.signature(test).parameters
    return {name: each for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
