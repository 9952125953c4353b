"""Headings of columns: a name, and in brackets after it mostly a unit."""

from collections.abc import Iterable
from statistics import median

from quantrac.domain.magnitudes import AMBIENT
from quantrac.domain.spellings import clean, fold
from quantrac.domain.units import canonical_unit

# The exports of the national system close with a brace what a parenthesis opens: "CO(mg/Nm3}".
_DEPTHS = dict.fromkeys("([{", -1) | dict.fromkeys(")]}", 1)
_NATIONAL_NAMES = frozenset({"pm-2-5", "pm-10"})
"""Names without dots, as the national system's database and its exports have them."""


def split_heading(text: str) -> tuple[str, str | None]:
    """Divide a heading into a name and the unit in brackets after it.

    >>> split_heading("CO (mg/m3)"), split_heading("PM-2-5(µg/Nm3}"), split_heading("CO")
    (('CO', 'mg/m3'), ('PM-2-5', 'µg/Nm3'), ('CO', None))
    """
    text = clean(text)
    depth = 0
    for position in reversed(range(len(text))):
        depth += _DEPTHS.get(text[position], 0)
        if depth <= 0:
            name, unit = text[:position].rstrip(), text[position + 1 : -1]
            return (name, unit) if name and _DEPTHS.get(text[-1]) == 1 else (text, None)
    return text, None


def is_national_export(headings: Iterable[str]) -> bool:
    """Tell whether a table was exported by the national system, by the names of its columns.

    >>> is_national_export(["STT", "Datetime", "PM-2-5(µg/Nm3}"])
    True
    """
    return any(fold(split_heading(text)[0]) in _NATIONAL_NAMES for text in headings)


def is_micrograms(parameter: str | None, unit: str | None, values: Iterable[float]) -> bool:
    """Tell whether a column of an export of the national system holds µg under the title ``CO(mg/Nm3}``.

    Found in its data of 2025. It is taken so where half of the values would else be beyond what air can hold.

    >>> is_micrograms("CO", "mg/Nm3", [2131.41, 2872.33]), is_micrograms("CO", "mg/Nm3", [2.1, 2.9])
    (True, False)
    """
    if parameter != "CO" or canonical_unit(unit or "") != "mg/Nm3":
        return False
    numbers = list(values)
    return bool(numbers) and median(numbers) > AMBIENT["CO"][1] / 1000
