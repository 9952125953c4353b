"""Numbers as text."""


def shortest_decimal(value: float) -> str:
    """Write a number as the shortest text that reads back as the same number, without a closing ``.0``.

    >>> shortest_decimal(7.0), shortest_decimal(14.91), shortest_decimal(-1.6)
    ('7', '14.91', '-1.6')
    """
    return repr(value).removesuffix(".0")
