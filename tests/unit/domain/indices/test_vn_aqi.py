"""VN_AQI against the worked examples and the tables of Decision 1459/QĐ-TCMT."""

from fractions import Fraction
from itertools import pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.indices.levels import level_of
from quantrac.domain.indices.vn_aqi import (
    BREAKPOINTS,
    LEVELS,
    O3_8H,
    PARAMETERS,
    daily,
    eight_hour_means,
    hourly,
    nowcast,
    subindex,
)

NINE_TO_TWENTY = [26.9, 24.7, 20.5, 23.5, 19.5, 16.5, 19.0, 16.5, 20.3, 22.4, 19.6, 20.6]
"""PM2.5 of the decision's NowCast example, oldest first."""
OZONE = [
    *(15.7, 14.2, 17.7, 18.9, 19.3, 15.7, 19.7),  # 18:00 to 24:00 of the evening before
    *(22.6, 27.1, 29.0, 31.9, 25.3, 34.7, 35.2, 41.6, 45.7, 49.2, 55.8, 69.6),
    *(78.3, 91.5, 97.7, 81.2, 71.8, 43.5, 34.3, 21.5, 20.5, 19.4, 20.4, 21.3),
]
"""O3 of the decision's 8-hour example, oldest first."""

anything = st.none() | st.floats()
concentrations = st.floats(min_value=0, max_value=5_000)


def window(*newest_first: float | None) -> list[float | None]:
    return list(newest_first) + [None] * (12 - len(newest_first))


def day(*values: float | None, evening: float | None = None) -> list[float | None]:
    return [evening] * 7 + list(values) + [None] * (24 - len(values))


# NowCast


def test_nowcast_of_the_decisions_example_is_20_3() -> None:
    assert round(float(nowcast(NINE_TO_TWENTY[::-1]) or 0), 3) == 20.266


def test_a_weight_of_one_half_sums_what_is_written_and_does_not_divide() -> None:
    hours = [80, None, 60, 50, 40, 30, 20, 20, 20, 20, 20, 20]
    assert round(float(nowcast(hours) or 0), 2) == 52.65
    assert round(float(nowcast(hours, halved="normalised") or 0), 2) == 70.22


def test_a_ratio_of_exactly_one_half_is_the_weight_of_one_half() -> None:
    assert nowcast(window(10.0, 20.0)) == Fraction(10, 2) + Fraction(20, 4)


def test_a_weight_above_one_half_divides_by_the_weights_of_the_hours_that_are_there() -> None:
    # w = 60/80; weights 1, (missing), 9/16.
    assert nowcast(window(60.0, None, 80.0)) == (60 + Fraction(9, 16) * 80) / (1 + Fraction(9, 16))


@pytest.mark.parametrize(
    ("latest", "there"),
    [
        ((10.0, 10.0, None), True),
        ((None, 10.0, 10.0), True),
        ((10.0, None, None), False),
        ((None, None, None), False),
        ((10.0, -1.0, nan), False),
    ],
)
def test_two_of_the_three_latest_hours_are_needed(latest: tuple[float | None, ...], there: bool) -> None:
    assert (nowcast([*latest, *[10.0] * 9]) is not None) is there


def test_twelve_clean_hours_have_a_nowcast_of_zero() -> None:
    assert nowcast([0.0] * 12) == 0


def test_hours_older_than_twelve_do_not_count() -> None:
    assert nowcast([*NINE_TO_TWENTY[::-1], 400.0]) == nowcast(NINE_TO_TWENTY[::-1])


@given(st.lists(st.floats(min_value=1, max_value=500), min_size=12, max_size=12))
def test_nowcast_of_a_complete_window_lies_among_its_values(hours: list[float]) -> None:
    found = nowcast(hours)
    assert found is not None
    assert min(hours) * (1 - 2**-12) - 1e-9 <= found <= max(hours) + 1e-9


# Sub-indices


@pytest.mark.parametrize(
    ("scale", "concentration", "expected"),
    [
        ("O3", 136.1, 43),
        ("NO2", 118.7, 59),  # the decision prints 60: 50 + 50/100 · 18.7 = 59.35
        ("PM2.5", 20.3, 41),
        (O3_8H, 89.3, 45),
        ("O3", 114.6, 36),
        ("NO2", 130.8, 65),
        ("PM2.5", 55.7, 110),
    ],
)
def test_sub_indices_of_the_decisions_examples(scale: str, concentration: float, expected: int) -> None:
    assert subindex(scale, concentration) == expected


@pytest.mark.parametrize(("scale", "concentration", "expected"), [("O3", 161.2, 52), (O3_8H, 106.6, 67)])
def test_a_half_is_rounded_up_also_where_its_double_lies_below(
    scale: str, concentration: float, expected: int
) -> None:
    start, end = {"O3": (160, 200), O3_8H: (100, 120)}[scale]
    assert 50 + 50 * (concentration - start) / (end - start) < expected - 0.5
    assert subindex(scale, concentration) == expected


@pytest.mark.parametrize(
    ("scale", "row"),
    [
        ("O3", {0: 0, 160: 50, 200: 100, 300: 150, 400: 200, 800: 300, 1_000: 400, 1_200: 500}),
        (O3_8H, {0: 0, 100: 50, 120: 100, 170: 150, 210: 200, 400: 300}),
        ("CO", {0: 0, 10_000: 50, 30_000: 100, 45_000: 150, 60_000: 200, 90_000: 300, 120_000: 400}),
        ("SO2", {0: 0, 125: 50, 350: 100, 550: 150, 800: 200, 1_600: 300, 2_100: 400, 2_630: 500}),
        ("NO2", {0: 0, 100: 50, 200: 100, 700: 150, 1_200: 200, 2_350: 300, 3_100: 400, 3_850: 500}),
        ("PM10", {0: 0, 50: 50, 150: 100, 250: 150, 350: 200, 420: 300, 500: 400, 600: 500}),
        ("PM2.5", {0: 0, 25: 50, 50: 100, 80: 150, 150: 200, 250: 300, 350: 400, 500: 500}),
    ],
)
def test_breakpoints_have_the_index_of_the_table(scale: str, row: dict[int, int]) -> None:
    assert {at: subindex(scale, float(at)) for at in row} == row


def test_above_the_last_breakpoint_the_sub_index_stays_500() -> None:
    highest = {"O3": 1_200, "CO": 150_000, "SO2": 2_630, "NO2": 3_850, "PM10": 600, "PM2.5": 500}
    assert {subindex(name, at + more) for name, at in highest.items() for more in (0.0, 0.001, 1e300)} == {
        500
    }


def test_the_8_hour_scale_of_ozone_ends_at_400() -> None:
    assert subindex(O3_8H, 400.0) == 300
    assert subindex(O3_8H, 400.01) is None


@pytest.mark.parametrize("value", [None, nan, -0.01, float("inf"), float("-inf")])
def test_no_concentration_has_no_sub_index(value: float | None) -> None:
    assert subindex("PM10", value) is None


@given(st.sampled_from(sorted(BREAKPOINTS)), concentrations, concentrations)
def test_more_of_a_substance_never_lowers_its_sub_index(scale: str, one: float, other: float) -> None:
    low, high = (subindex(scale, value) for value in sorted((one, other)))
    assert low is None or high is None or low <= high
    assert high is not None or scale == O3_8H


@given(st.sampled_from(sorted(BREAKPOINTS)), st.data())
def test_segments_meet_at_their_breakpoints(scale: str, data: st.DataObject) -> None:
    points = BREAKPOINTS[scale]
    at = data.draw(st.sampled_from(points[1:-1]))
    around = [subindex(scale, float(at) + step) for step in (-1e-6, 0, 1e-6)]
    assert around[0] == around[1] == around[2]


@given(st.sampled_from(sorted(BREAKPOINTS)), st.floats())
def test_every_double_gives_a_whole_number_of_the_scale_or_none(scale: str, value: float) -> None:
    found = subindex(scale, value)
    assert found is None or (type(found) is int and 0 <= found <= 500)


# Hour


def test_the_decisions_hour() -> None:
    air = hourly({"O3": [136.1], "NO2": [118.7], "PM2.5": NINE_TO_TWENTY[::-1]})
    assert air.subindices == {"O3": 43, "NO2": 59, "PM2.5": 41}
    assert air.index == 59  # printed 60, from the slip in NO2
    assert air.responsible == ("NO2",)
    assert air.level is not None
    assert (air.level.name_vi, air.level.name, air.level.rgb) == ("Trung bình", "moderate", (255, 255, 0))


def test_without_any_pm_there_is_no_index() -> None:
    air = hourly({"SO2": [2_000.0], "PM10": window(30.0), "PM2.5": []})
    assert air.subindices == {"SO2": 380}
    assert (air.index, air.responsible, air.level) == (None, (), None)


def test_one_of_both_pm_is_enough() -> None:
    assert hourly({"PM10": [50.0] * 12, "PM2.5": [None] * 12}).index == 50


def test_equal_parameters_share_the_responsibility() -> None:
    air = hourly({"PM10": [150.0] * 12, "PM2.5": [50.0] * 12, "CO": [30_000.0], "O3": [1.0]})
    assert (air.index, air.responsible) == (100, ("CO", "PM10", "PM2.5"))


def test_a_gas_looks_at_its_own_hour_only() -> None:
    assert hourly({"NO2": [None, 900.0], "PM10": [50.0] * 12}).subindices == {"PM10": 50}


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.lists(anything, max_size=13)))
def test_no_hour_raises_whatever_doubles_it_holds(hours: dict[str, list[float | None]]) -> None:
    air = hourly(hours)
    assert air.index is None or air.index == max(air.subindices.values())


# Day


def test_the_decisions_8_hour_means() -> None:
    printed = """18.0 19.4 21.2 23.0 23.8 25.8 28.2 30.9 33.8 36.6 39.9 44.7
                 51.3 58.4 66.2 71.1 74.4 73.7 71.0 65.0 57.8 48.7 39.1 31.6"""
    # Hours and means are both printed to a tenth, so a mean may differ by two halves of one (12:00: 44.64).
    for mean, text in zip(eight_hour_means(OZONE), printed.split(), strict=True):
        assert mean is not None
        assert abs(mean - Fraction(text)) <= Fraction("0.1")


def test_the_decisions_day() -> None:
    air = daily(
        {"O3": day(114.6, *[50.0] * 15, *[89.3] * 8), "NO2": day(130.8, 10.0), "PM2.5": day(*[55.7] * 24)}
    )
    assert air.subindices == {"NO2": 65, "O3": 45, "PM2.5": 110}
    assert (air.index, air.responsible) == (110, ("PM2.5",))
    assert air.level is not None
    assert air.level.name == "poor"


def test_ozone_takes_the_8_hour_mean_with_the_evening_before() -> None:
    # 7 hours of 100 and the first hour of the day: 100 µg/m3 over 8 h is 50, over 1 h 31.
    assert daily({"O3": day(100.0, evening=100.0), "PM10": day(*[1.0] * 24)}).subindices["O3"] == 50


def test_ozone_above_400_over_8_hours_is_judged_by_the_hour_alone() -> None:
    assert daily({"O3": day(*[400.0] * 8)}).subindices["O3"] == 300
    assert daily({"O3": day(*[401.0] * 8)}).subindices["O3"] == 200


def test_the_evening_before_counts_for_nothing_else() -> None:
    air = daily({name: day(*[1.0] * 24, evening=90_000.0) for name in ("SO2", "CO", "NO2", "PM10", "PM2.5")})
    assert air.index == 2


def test_a_mean_needs_three_quarters_of_its_hours_unless_told_otherwise() -> None:
    assert "PM10" in daily({"PM10": day(*[50.0] * 18)}).subindices
    assert "PM10" not in daily({"PM10": day(*[50.0] * 17)}).subindices
    assert "PM10" in daily({"PM10": day(50.0)}, least_of_24=1).subindices
    assert daily({"O3": day(*[100.0] * 5)}).subindices["O3"] == 31
    assert daily({"O3": day(*[100.0] * 5)}, least_of_8=5).subindices["O3"] == 50


def test_a_day_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="PM10: a day takes 31 hours, not 24"):
        daily({"PM10": [1.0] * 24})


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.lists(anything, min_size=31, max_size=31), max_size=2))
def test_no_day_raises_whatever_doubles_it_holds(hours: dict[str, list[float | None]]) -> None:
    air = daily(hours)
    assert air.index is None or 0 <= air.index <= 500


# Levels


@pytest.mark.parametrize(
    ("lowest", "highest", "name_vi", "rgb"),
    [
        (0, 50, "Tốt", (0, 228, 0)),
        (51, 100, "Trung bình", (255, 255, 0)),
        (101, 150, "Kém", (255, 126, 0)),
        (151, 200, "Xấu", (255, 0, 0)),
        (201, 300, "Rất xấu", (143, 63, 151)),
        (301, 500, "Nguy hại", (126, 0, 35)),
    ],
)
def test_levels_are_those_of_the_table(
    lowest: int, highest: int, name_vi: str, rgb: tuple[int, int, int]
) -> None:
    for index in (lowest, highest):
        level = level_of(index, LEVELS)
        assert (level.name_vi, level.rgb) == (name_vi, rgb)


def test_breakpoints_rise() -> None:
    for points in BREAKPOINTS.values():
        assert all(low < high for low, high in pairwise(points))
