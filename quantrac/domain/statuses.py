"""Device statuses: what an instrument says about itself beside a value.

Source: status codes 00, 01, 02 of Circular 10/2021/TT-BTNMT, Annex 15.
"""

MEASURING, CALIBRATING, DEVICE_ERROR = "00", "01", "02"
MEANING = {MEASURING: "measuring", CALIBRATING: "calibrating", DEVICE_ERROR: "device error"}
NOT_COUNTING_STATUSES = (CALIBRATING, DEVICE_ERROR)
"""Values under these are no measurement and enter no average, whatever their flag."""


class _Statuses(dict[str, str]):
    """Status as written → status."""

    def __missing__(self, text: str) -> str:
        code = text.strip()
        return self.get(code, code)


_NUMBERS = {f"{number:0{width}}": f"{number:02}" for number in range(3) for width in (1, 2, 3)}

read_status = _Statuses({"": MEASURING} | _NUMBERS).__getitem__
"""Read a status as a logger writes it: a whole number gets its zero, and none means measuring.

The national receiver reads a whole number as well. Any other text stays as it is, without blanks around it.

>>> [read_status(text) for text in ("01", "2", "", " 0 ", "3", "ERR")]
['01', '02', '00', '00', '3', 'ERR']
"""


def counts_sql(column: str) -> str:
    """Write as ClickHouse's SQL whether a status (String) is none of :data:`NOT_COUNTING_STATUSES`.

    >>> counts_sql("status")
    "status NOT IN ('01', '02')"
    """
    statuses = ", ".join(f"'{status}'" for status in NOT_COUNTING_STATUSES)
    return f"{column} NOT IN ({statuses})"
