"""Equal columns as one object: most files of a country name the same parameters and units in the same order.

What is the same object need not be compared, and lies in the processor's cache, where 2,000 equal copies,
each met every five minutes, do not.
"""

from collections.abc import Iterable

_MOST_COLUMNS = 10_000
"""Columns shared; a country has some hundreds."""

_shared: dict[tuple[str, ...], list[str]] = {}


def share(texts: Iterable[str]) -> list[str]:
    """Return the texts as a list: the very same one as long as equal texts come, so not to be changed.

    >>> share(["CO", "NO"]) is share(("CO", "NO"))
    True
    """
    key = tuple(texts)
    column = _shared.get(key)
    if column is None:
        if len(_shared) >= _MOST_COLUMNS:
            _shared.clear()
        column = _shared[key] = list(key)
    return column
