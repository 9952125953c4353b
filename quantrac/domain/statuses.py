"""Device statuses: what an instrument says about itself beside a value.

Source: status codes 00, 01, 02 of Circular 10/2021/TT-BTNMT, Annex 15.
"""

MEASURING, CALIBRATING, DEVICE_ERROR = "00", "01", "02"
MEANING = {MEASURING: "measuring", CALIBRATING: "calibrating", DEVICE_ERROR: "device error"}
NOT_COUNTING_STATUSES = (CALIBRATING, DEVICE_ERROR)
"""Values under these are no measurement and enter no average, whatever their flag."""


def counts_sql(column: str) -> str:
    """Write as ClickHouse's SQL whether a status (String) is none of :data:`NOT_COUNTING_STATUSES`.

    >>> counts_sql("status")
    "status NOT IN ('01', '02')"
    """
    statuses = ", ".join(f"'{status}'" for status in NOT_COUNTING_STATUSES)
    return f"{column} NOT IN ({statuses})"
