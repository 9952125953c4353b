"""What the questions of analysts are asked of: two air stations, a stack and an outlet, three days ago.

The codes are the demo's. Every answer is known, and none is empty.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from quantrac.io.clickhouse import ClickHouse
from schemas.limits import load_national
from schemas.messages.registry.stations import Station
from services.aggregator.sink.registry_tables import limit_rows, parameter_rows, station_row

A, B, STACK, WATER = "HN_DEMO_KHI001", "HN_DEMO_KHI002", "HN_DEMO_KHIOK1", "HN_DEMO_NUOTH1"
UNREGISTERED = "HN_DEMO_KHI003"
LOCAL = timezone(timedelta(hours=7))
BEGUN = datetime.now(UTC).replace(microsecond=0)
TODAY = BEGUN.astimezone(LOCAL).replace(hour=0, minute=0, second=0)
DAY = TODAY - timedelta(days=3)
NIGHT = DAY + timedelta(hours=30)
"""When what is of the day was computed; corrections came later."""
CORRECTED = DAY + timedelta(hours=48)
HEARD = BEGUN - timedelta(minutes=5)
"""The one reading of the present."""

STATIONS = [
    Station.model_validate(
        {
            "code": code,
            "name": name,
            "name_en": name,
            "type": medium,
            "province": province,
            "latitude": 21.0,
            "longitude": 105.8,
            "interval_minutes": 60,
            "valid_from": DAY.date(),
            "parameters": [{"code": parameter, "unit": unit} for parameter, unit in parameters],
        }
    )
    for code, name, medium, province, parameters in (
        (A, "Station A", "ambient-air", "01", [("PM2.5", "µg/m3"), ("NO2", "µg/m3"), ("WindDir", "°")]),
        (B, "Station B", "ambient-air", "01", [("PM2.5", "µg/m3")]),
        (WATER, "Plant W", "wastewater", "31", [("COD", "mg/L"), ("FlowOut", "m3/h")]),
        (STACK, "Stack S", "stack", "31", [("PM", "mg/Nm3")]),
    )
]


def insert(client: ClickHouse, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    client.insert(table, {name: [row[name] for row in rows] for name in rows[0]})


def average_row(
    station: str, parameter: str, starts_at: datetime, mean: float | None, unit: str = "µg/m3", **other: Any
) -> dict[str, Any]:
    period = other.get("period", "hour")
    hours = 24 if period == "day" else 1
    counts = {"count": hours, "received": hours, "expected": hours, "good": hours, "completeness": 1.0}
    counts |= dict.fromkeys(("not_evaluated", "suspect", "fail", "missing"), 0)
    row = {"station": station, "parameter": parameter, "period": period, "starts_at": starts_at}
    row |= {"ends_at": starts_at + timedelta(hours=hours), "unit": unit, "mean": mean, "minimum": mean}
    row |= {"maximum": mean, "complete": 1, "computed_at": NIGHT, "version": 1}
    return row | counts | other


def reading_row(
    station: str, parameter: str, at: datetime, value: float, unit: str, late: int = 60, **other: Any
) -> dict[str, Any]:
    received = at + timedelta(seconds=late)
    row = {"station": station, "parameter": parameter, "measured_at": at, "value": value, "text": ""}
    row |= {"unit": unit, "status": "00", "flag": 1, "tests": '{"flat_line":1,"stuck":1}', "rules": "r"}
    return row | {"imported": 0, "line": 1, "version": int(received.timestamp() * 1000) * 1024} | other


def hour(number: int) -> datetime:
    return DAY + timedelta(hours=number)


def local_text(at: datetime) -> str:
    """A time as a local column shows it."""
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"


def local_date(at: datetime) -> str:
    return local_text(at)[:10]


def insert_registry(province: ClickHouse) -> None:
    stations = [station.to_domain() for station in STATIONS]
    version = {"version": 1}
    insert(province, "stations", [station_row(each.code, each) | version for each in stations])
    for table, rows in (
        ("station_parameters", [row for each in stations for row in parameter_rows(each)]),
        ("station_limits", [row for each in stations for row in limit_rows(load_national(), each)]),
    ):
        insert(province, table, [row | version for row in rows])


def insert_readings(province: ClickHouse) -> None:
    stuck = {"flag": 4, "tests": '{"flat_line":4,"spike":3,"stuck":1}'}
    old = reading_row(A, "NO2", hour(0), 11.0, "µg/m3")
    corrected = reading_row(A, "NO2", hour(0), 12.0, "µg/m3", late=7200)
    rejudged = reading_row(A, "PM2.5", hour(1), 21.0, "µg/m3")
    insert(
        province,
        "readings",
        [
            *(reading_row(A, "PM2.5", hour(n), 20.0 + n, "µg/m3") for n in range(3)),
            reading_row(A, "PM2.5", hour(3), 999.0, "µg/m3", flag=4, tests='{"physical_range":4}'),
            # Twice: the later file counts.
            old,
            corrected,
            reading_row(A, "NO2", hour(2), 13.0, "µg/m3", late=10 * 3600, imported=1),
            *(reading_row(B, "PM2.5", hour(n), 30.0, "µg/m3", late=1200, **stuck) for n in range(2)),
            reading_row(WATER, "COD", HEARD, 40.0, "mg/L", late=1),
        ],
    )
    replaced = {"superseded_at": CORRECTED, "superseded_by": corrected["version"]}
    insert(
        province,
        "reading_revisions",
        [
            old | replaced | {"cause": "correction"},
            old | replaced | {"cause": "correction", "value": 12.0, "version": old["version"] - 1024},
            rejudged | replaced | {"flag": 3, "cause": "late,neighbours", "version": rejudged["version"] - 1},
        ],
    )


def insert_averages(province: ClickHouse) -> list[dict[str, Any]]:
    """Insert averages; returns the daily ones."""
    corrected: dict[str, Any] = {"version": 2, "computed_at": CORRECTED}
    hours = [
        *(average_row(A, "PM2.5", hour(n), mean) for n, mean in enumerate((10.0, 20.0, 30.0))),
        average_row(A, "PM2.5", hour(3), 500.0, complete=0, completeness=0.25),
        *(average_row(A, "WindDir", hour(n), angle, "°") for n, angle in enumerate((350.0, 10.0, 91.0))),
        *(average_row(A, "WindSpeed", hour(n), speed, "m/s") for n, speed in enumerate((0.3, 3.0, 5.0))),
        average_row(A, "NO2", hour(0), 12.0),
        average_row(A, "NO2", hour(1), 6.0, "ppb"),
        *(average_row(B, "PM2.5", hour(n), mean) for n, mean in enumerate((12.0, 24.0, 30.0))),
        *(average_row(B, "WindDir", hour(n), angle, "°") for n, angle in enumerate((10.0, 350.0, 91.0))),
        *(average_row(WATER, "COD", hour(n), 50.0, "mg/L") for n in range(3)),
        *(average_row(WATER, "FlowOut", hour(n), 100.0, "m3/h") for n in range(2)),
    ]
    days = [
        average_row(A, "PM2.5", DAY - timedelta(days=40), 47.0, period="day"),
        average_row(A, "PM2.5", DAY - timedelta(days=39), 99.0, period="day", complete=0),
        average_row(A, "PM2.5", DAY, 44.0, period="day", received=23, good=20, suspect=3),
        average_row(B, "PM2.5", DAY, 46.0, period="day", received=12, good=12),
        average_row(WATER, "COD", DAY, 50.0, "mg/L", period="day"),
        average_row(A, "PM2.5", TODAY, 20.0, period="day", count=5, received=5, good=5, complete=0),
    ]
    year = DAY.replace(month=1, day=1)
    span: dict[str, Any] = {"period": "year", "first_at": hour(0), "last_at": hour(3), "complete": 0}
    years = [
        average_row(A, "PM2.5", year, 44.0, received=300, good=280, **span),
        average_row(A, "PM2.5", year.replace(year=year.year - 1), 44.0, received=100, good=20, **span)
        | {"first_at": hour(0) - timedelta(days=400), "last_at": hour(0) - timedelta(days=370)},
        average_row(UNREGISTERED, "pH", year, 7.0, "", received=1, good=1, **span),
        average_row(B, "NO2", year, None, received=0, good=0, **span),  # its readings went to other years
    ]
    insert(province, "averages", [*hours, *days])
    insert(province, "averages", years)

    versions = [
        average_row(A, "PM2.5", hour(2), 33.0),
        average_row(A, "PM2.5", hour(2), 30.0, **corrected),
        average_row(B, "PM2.5", hour(0), 12.5),
        average_row(B, "PM2.5", hour(0), None, complete=0, **corrected),
        average_row(B, "PM2.5", hour(1), None, complete=0),
        average_row(B, "PM2.5", hour(1), 24.0, **corrected),
        average_row(B, "PM2.5", hour(2), 30.0),
        average_row(B, "PM2.5", hour(2), 30.0, received=2, **corrected),  # no other mean
    ]
    insert(province, "average_versions", versions)
    recent = BEGUN.replace(minute=0, second=0) - timedelta(hours=3)
    first = average_row(UNREGISTERED, "PM2.5", recent, 21.0, computed_at=BEGUN - timedelta(hours=1))
    insert(province, "average_versions", [first])
    insert(
        province,
        "averages",
        [first | {"mean": 99.0, "version": 2, "computed_at": BEGUN + timedelta(hours=1)}],
    )
    return days


def insert_indices(province: ClickHouse) -> None:
    def index(at: datetime, value: int | None, level: str, **other: Any) -> dict[str, Any]:
        row = {"station": A, "kind": "VN_AQI", "period": "day", "starts_at": at, "value": value}
        row |= {"ends_at": at + timedelta(days=1), "level": level, "responsible": ["PM2.5"]}
        return row | {"subindices": {}, "computed_at": NIGHT, "version": 1} | other

    days = [DAY - timedelta(days=number) for number in range(5)]
    water: dict[str, Any] = {"station": WATER, "kind": "VN_WQI", "subindices": {"pH": 90.0, "DO": 70.0}}
    insert(
        province,
        "indices",
        [
            index(days[4], 40, "good"),
            index(days[3], 80, "moderate"),
            index(days[2], 90, "moderate"),
            index(days[1], 120, "unhealthy"),
            index(days[1], 95, "moderate", version=2),
            index(days[0], None, ""),
            index(hour(0), 55, "moderate", period="hour"),
            index(hour(1), 155, "unhealthy", period="hour"),
            index(hour(1), 160, "unhealthy", period="hour", station=B),
            index(days[0], 75, "medium", **water),
        ],
    )


def insert_episodes(province: ClickHouse) -> None:
    def episode(station: str, peak: float, **other: Any) -> dict[str, Any]:
        row: dict[str, Any] = {"station": station, "parameter": "PM2.5", "period": "day"}
        row |= {"minimum": None, "maximum": 45.0}
        row |= {"standard": "QCVN 05:2023/BTNMT", "column": "", "unit": "µg/m3", "starts_at": DAY}
        row |= {"ends_at": DAY + timedelta(days=1), "periods": 1, "peak": peak, "peak_at": DAY}
        return row | {"ratio": peak / 45, "open": 1, "computed_at": NIGHT, "version": 1} | other

    insert(
        province,
        "exceedances",
        [
            episode(A, 90.0),
            episode(A, 54.0, version=2),
            episode(B, 60.0),
            episode(B, 60.0, version=2, periods=0),
            episode(A, 81.0, starts_at=DAY - timedelta(days=9)),  # open as well, but not its newest
            episode(B, 63.0, starts_at=DAY - timedelta(days=1), periods=2),
            # Open, but over: a newer episode has ended.
            episode(WATER, 63.0, starts_at=DAY - timedelta(days=9)),
            episode(WATER, 63.0, open=0),
        ],
    )
