"""Files whose lines are read, and then flagged or doubted."""

from quantrac.conformance.cases.case import AIR, HOUR, PM, TIME, WATER, Case, lines, value

DOUBTED = (
    Case(
        "status-unknown",
        AIR,
        lines(value("27.81", status="3"), value("14.91", "NO2", status="OK")),
        "Statuses that the circular does not know: suspect.",
        2,
        doubts=[(1, "status"), (2, "status")],
    ),
    Case(
        "error-codes",
        AIR,
        lines(value("-9999"), value("65535", "Pressure", "hPa")),
        "Numbers that loggers and buses write for no value: fail.",
        2,
        doubts=[
            (1, "error_code"),
            (1, "physical_range"),
            (1, "negative"),
            (2, "error_code"),
            (2, "physical_range"),
        ],
    ),
    Case(
        "off-the-clock",
        "HN_CONF_NUO001_20260325002100.txt",
        lines(value("7.1", "pH", "", "20260324232100")),
        "21 minutes past the hour, of a station of whole hours; and another time in the name.",
        1,
        doubts=[(1, "grid")],
    ),
    Case(
        "name-and-lines-apart",
        "HN_CONF_KHI001_20260325000500.txt",
        lines(value("27.81", time="20260324201000")),
        "The name states another time than its lines.",
        1,
        doubts=[(0, "time-apart")],
    ),
    Case(
        "first-line-of-another-station",
        AIR,
        lines("HN_CONF_NUO001_Trạm nước\t", PM),
        "The first line states another station than the name.",
        1,
        doubts=[(0, "station-apart")],
    ),
    Case(
        "unit-not-written",
        AIR,
        lines(value("27.81", unit=""), f"NO2\t14.91\t{TIME}\t00"),
        "An empty unit column, and a layout without one: taken in the registered unit.",
        2,
        doubts=[(1, "unit-assumed"), (2, "unit-assumed")],
    ),
    Case(
        "comma-inferred",
        AIR,
        lines(value("27,81"), value("1,013", "NO2")),
        "The second comma is one of decimals only because the first is.",
        2,
        doubts=[(2, "decimal-sign-inferred")],
    ),
    Case(
        "future",
        "HN_CONF_KHI001.txt",
        lines(value("27.81", time="20260325022000")),
        "Measured more than two hours after its receipt: suspect.",
        1,
        doubts=[(1, "future")],
    ),
    Case(
        "out-of-range",
        WATER,
        lines(value("14.5", "pH", "", HOUR)),
        "A pH that no water has: fail.",
        1,
        doubts=[(1, "physical_range")],
    ),
)
