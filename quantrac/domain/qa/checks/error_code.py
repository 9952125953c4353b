"""Error code: a number that instruments, buses and loggers write in place of a measurement.

Source: registers of 16 and 32 bits that are all ones, or at the end of their range, where a bus gave no
answer (65535, 32767, -32768; 6553.5 with one decimal); fill values of loggers and archives (-9999); the value
of a sensor after power-on (85 °C of a DS18B20). The codes are data of the rules.
"""

import numpy as np

from quantrac.domain.qa.number_lists import NumberLists, Numbers, find_in_any
from quantrac.domain.qa.window import Outcomes, Window
from quantrac.domain.readings import Flag


def error_code(
    window: Window, *, codes: Numbers = (), sensor_codes: Numbers = (), suspect_codes: Numbers = ()
) -> Outcomes:
    """Fail a value that is one of ``codes`` or ``sensor_codes``, suspect one of ``suspect_codes``.

    In the unit of the value, and equal to the last digit. ``codes`` are those of any equipment,
    ``sensor_codes`` those of the usual sensors of this parameter, and ``suspect_codes`` numbers that a
    measurement may happen to be as well. It needs no reading before, so that it holds from the first one on.

    >>> river = Window.of([412.0, 65535.0, 9999.0, 6553.6])
    >>> error_code(river, codes=[65535, 32767], suspect_codes=[9999, 6553.5]).tolist()
    [1, 4, 3, 1]
    """
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    lists = [NumberLists.of(numbers, len(window)) for numbers in (suspect_codes, sensor_codes, codes)]
    rows = find_in_any(lists, window.value)
    for numbers, flag in zip(lists, (Flag.SUSPECT, Flag.FAIL, Flag.FAIL), strict=True):
        outcome[rows[numbers[rows].find(window.value[rows])]] = flag
    return outcome


def explain(
    window: Window, *, codes: Numbers = (), sensor_codes: Numbers = (), suspect_codes: Numbers = ()
) -> list[str]:
    """Name the value and what it is a code of.

    >>> explain(Window.of([412.0, 65535.0]), codes=[65535])
    ['412 is no error code', '65535 is an error code of buses and loggers, no measurement']
    >>> explain(Window.of([85.0]), sensor_codes=[85]), explain(Window.of([9999.0]), suspect_codes=[9999])
    (['85 is an error code of the sensor, no measurement'], ['9999 may be an error code'])
    """
    kinds = (
        (codes, "is an error code of buses and loggers, no measurement"),
        (sensor_codes, "is an error code of the sensor, no measurement"),
        (suspect_codes, "may be an error code"),
    )
    sentences = [f"{value:.10g} is no error code" for value in window.value.tolist()]
    for numbers, sentence in reversed(kinds):
        for row in NumberLists.of(numbers, len(window)).find(window.value).tolist():
            sentences[row] = f"{window.value[row]:.10g} {sentence}"
    return sentences
