"""A year of one Hanoi station: hourly concentrations beside the VN_AQI that was published for them."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from quantrac.domain.indices.vn_aqi import HalvedForm, nowcast, subindex
from support.folders import DATA

HANOI = DATA / "hanoi_cem_2025"
HOUR = timedelta(hours=1)
COLUMNS = {
    "SO2": "SO2(µg/Nm3}",
    "O3": "O3(µg/Nm3}",
    "NO2": "NO2(µg/Nm3}",
    "CO": "CO(mg/Nm3}",  # holds µg/m3
    "PM10": "PM-10(µg/Nm3}",
    "PM2.5": "PM-2-5(µg/Nm3}",
}
PUBLISHED = {"PM10": "PM-10", "PM2.5": "PM-2-5"}
RADIATION = "Radiation(W/m2}"

Rows = list[tuple[datetime, dict[str, str]]]
Hours = dict[datetime, list[float]]


def rows(name: str) -> Rows:
    path = HANOI / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    return [(datetime.strptime(row["Datetime"] + " +0700", "%H:%M %d/%m/%Y %z"), row) for row in table]


@pytest.fixture(scope="module")
def measured() -> Rows:
    return rows("HN_NC_conc_hourly_2025.csv")


@pytest.fixture(scope="module")
def published() -> Rows:
    return rows("HN_NC_vnaqi_hourly_2025.csv")


def by_hour(measured: Rows, parameter: str) -> Hours:
    hours: Hours = defaultdict(list)
    for at, row in measured:
        hours[at].append(float(row[COLUMNS[parameter]]))
    return dict(hours)


def number(text: str) -> int | None:
    return None if text == "-" else int(text)


class Compared(NamedTuple):
    parameter: str
    at: datetime
    kind: str
    published: int | None
    ours: int | None


def compared(measured: Rows, published: Rows, halved: HalvedForm = "literal") -> Iterator[Compared]:
    """Every published sub-index of PM beside ours, by what is the matter with its window of 12 hours."""
    for parameter, column in PUBLISHED.items():
        hours = by_hour(measured, parameter)
        for at, row in published:
            window = [hours.get(at - back * HOUR) for back in range(12)]
            values = [value for given in window if given for value in given]
            if None in window:
                kind = "hours missing"
            elif min(values) <= 0:
                kind = "a negative value"
            else:
                kind = "one value an hour" if len(values) == 12 else "an hour twice"
            ours = subindex(parameter, nowcast([given and given[-1] for given in window], halved=halved))
            yield Compared(parameter, at, kind, number(row[column]), ours)


def tally(found: Iterator[Compared]) -> dict[str, tuple[int, int]]:
    """Kind of window → (sub-indices, of them equal)."""
    kinds = defaultdict(list)
    for one in found:
        kinds[one.kind].append(one.published == one.ours)
    return {kind: (len(equal), sum(equal)) for kind, equal in kinds.items()}


@pytest.mark.parametrize("parameter", ["SO2", "O3", "NO2", "CO"])
def test_every_published_sub_index_of_a_gas_is_that_of_the_same_label(
    parameter: str, measured: Rows, published: Rows
) -> None:
    hours = by_hour(measured, parameter)
    assert len(published) == 8702
    for at, row in published:
        assert (at, subindex(parameter, hours[at][-1])) == (at, int(row[parameter]))


def test_an_hour_earlier_or_later_does_not_fit(measured: Rows, published: Rows) -> None:
    hours = by_hour(measured, "CO")
    for shift in (-HOUR, HOUR):
        shifted = [(hours[at + shift][-1], row) for at, row in published if at + shift in hours]
        equal = sum(subindex("CO", value) == int(row["CO"]) for value, row in shifted)
        assert 0.2 < equal / len(shifted) < 0.3


def test_the_label_is_the_end_of_the_hour(measured: Rows) -> None:
    """The sun rises at 05:16 and sets at 18:40 on a June day in Hanoi."""
    light = defaultdict(list)
    for at, row in measured:
        if at.month == 6:
            light[at.hour].append(float(row[RADIATION]))
    mean = {hour: sum(values) / len(values) for hour, values in light.items()}
    assert [hour for hour in range(24) if mean[hour] > 0] == list(range(6, 20))


def test_every_sub_index_of_a_complete_window_is_the_published_one(measured: Rows, published: Rows) -> None:
    assert tally(compared(measured, published)) == {
        "one value an hour": (16_886, 16_886),
        "an hour twice": (144, 109),
        "hours missing": (110, 92),
        "a negative value": (264, 167),
    }


def test_dividing_by_the_weights_fits_the_published_values_worse(measured: Rows, published: Rows) -> None:
    assert tally(compared(measured, published, halved="normalised")) == {
        "one value an hour": (16_886, 16_778),
        "an hour twice": (144, 109),
        "hours missing": (110, 87),
        "a negative value": (264, 87),
    }


def test_the_publisher_sums_the_rows_of_12_hours_moved_together(measured: Rows, published: Rows) -> None:
    """Why the rest differs: gaps close, a repeated row counts twice, negative values count (ADR 0007)."""
    for parameter, column in PUBLISHED.items():
        hours = by_hour(measured, parameter)
        for at, row in published:
            together = [value for back in range(12) for value in hours.get(at - back * HOUR, [])]
            assert (at, subindex(parameter, of_publisher(together))) == (at, number(row[column]))


def of_publisher(newest_first: list[float]) -> float | None:
    if len(newest_first) < 2:
        return None
    w = max(min(newest_first) / max(newest_first), 0.5)
    weights = [w**i for i in range(len(newest_first))]
    divisor = math.fsum(weights) if w > 0.5 else 2.0
    return math.fsum(map(float.__mul__, weights, newest_first)) / divisor
