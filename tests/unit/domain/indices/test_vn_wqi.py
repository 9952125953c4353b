"""VN_WQI against the tables and the worked example of Decision 1460/QĐ-TCMT, and figures computed by hand."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.indices.levels import level_of
from quantrac.domain.indices.vn_wqi import LEVELS, SCALES, Formula, Group, saturation, water_index
from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.registry.pollution import Pollution

RIVER = {"pH": 7.2, "DO": 6.0, "Temp": 25.0, "BOD": 10.0, "COD": 20.0, "NH4-N": 0.45, "PO4-P": 0.15}

EXAMPLE = {
    "pH": 7.2,
    "Temp": 27.5,
    "DO": 5.7,
    "BOD": 20.0,
    "COD": 25.0,
    "NH4-N": 0.2,
    "PO4-P": 0.3,
    "Aldrin": 0.05,
    "Dieldrin": 0.05,
    "Cu": 0.05,
    "As": 0.02,
    "Coliform": 10_000.0,
}
"""The decision's own sample, 2.3."""

samples = st.dictionaries(st.sampled_from([*SCALES, "Temp"]), st.none() | st.floats())


def of(name: str, value: float, **more: float) -> float | None:
    found = water_index({name: value, **more}).subindices.get(name)
    return None if found is None else float(found)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("BOD", {4: 100, 6: 75, 15: 50, 25: 25, 50: 10, 51: 10, 1: 100}),
        ("COD", {10: 100, 15: 75, 30: 50, 50: 25, 150: 10, 151: 10}),
        ("TOC", {4: 100, 6: 75, 15: 50, 25: 25, 50: 10, 51: 10}),
        ("NH4-N", {0.29: 100, 0.3: 75, 0.6: 50, 0.9: 25, 5: 10, 6: 10}),
        ("NO3-N", {2: 100, 5: 75, 10: 50, 15: 25, 15.1: 10}),
        ("NO2-N", {0: 100, 0.05: 100, 0.051: 10}),
        ("PO4-P", {0.1: 100, 0.2: 75, 0.3: 50, 0.5: 25, 4: 10, 5: 10}),
        ("Coliform", {2_500: 100, 5_000: 75, 7_500: 50, 10_000: 25, 10_001: 10}),
        ("E. coli", {20: 100, 50: 75, 100: 50, 200: 25, 201: 10}),
        ("As", {0.01: 100, 0.02: 75, 0.05: 50, 0.1: 25, 0.11: 10}),
        ("Cd", {0.0049: 100, 0.005: 75, 0.008: 50, 0.01: 25, 0.1: 10}),
        ("Pb", {0.019: 100, 0.02: 75, 0.04: 50, 0.05: 25, 0.5: 10}),
        ("Cr6+", {0.01: 100, 0.02: 75, 0.04: 50, 0.05: 25, 0.1: 10}),
        ("Cu", {0.1: 100, 0.2: 75, 0.5: 50, 1: 25, 2: 10, 3: 10}),
        ("Zn", {0.5: 100, 1: 75, 1.5: 50, 2: 25, 3: 10, 4: 10}),
        ("Hg", {0.0009: 100, 0.001: 75, 0.0015: 50, 0.002: 25, 0.01: 10}),
        ("Aldrin", {0.1: 100, 0.11: 10}),
        ("BHC", {0.02: 100, 0.021: 10}),
        ("Dieldrin", {0.1: 100, 0.11: 10}),
        ("DDTs", {1: 100, 1.1: 10}),
        ("Heptachlor & epoxide", {0.2: 100, 0.21: 10}),
        ("pH", {5.4: 10, 5.5: 50, 5.7: 70, 6: 100, 8.5: 100, 8.8: 70, 9: 50, 9.1: 10}),
    ],
)
def test_sub_indices_of_the_table(name: str, row: dict[float, float]) -> None:
    assert {value: of(name, float(value)) for value in row} == row


def test_between_points_the_sub_index_is_linear() -> None:
    assert of("COD", 20.0) == pytest.approx(66.6667, abs=1e-4)
    assert of("NH4-N", 0.45) == 62.5
    assert of("Coliform", 6_000.0) == 65


@pytest.mark.parametrize(("temperature", "full"), [(20.0, 9.0218), (25.0, 8.1757), (30.0, 7.4374)])
def test_what_water_holds_at_a_temperature(temperature: float, full: float) -> None:
    assert float(saturation(full, temperature) or 0) == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (19.9, 10),
        (20.01, 25),
        (50, 50),
        (75, 75),
        (88.01, 100),
        (111.9, 100),
        (125, 75),
        (150, 50),
        (199.9, 25),
        (201, 10),
    ],
)
def test_dissolved_oxygen_is_judged_by_its_saturation(percent: float, expected: float) -> None:
    assert of("DO", percent / 100 * 9.021764, Temp=20.0) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("temperature", [None, nan, -1.0, 50.1])
def test_without_a_temperature_of_water_dissolved_oxygen_has_no_sub_index(temperature: float | None) -> None:
    assert water_index({"DO": 6.0, "Temp": temperature}).subindices == {}


def test_the_temperature_has_no_sub_index_of_its_own() -> None:
    assert set(water_index({"DO": 6.0, "Temp": 25.0}).subindices) == {"DO"}


def test_a_river_with_three_groups() -> None:
    water = water_index({**RIVER, "Coliform": 6_000.0})
    assert {name: round(float(found), 2) for name, found in water.subindices.items()} == {
        "pH": 100,
        "DO": 73.39,
        "BOD": 63.89,
        "COD": 66.67,
        "NH4-N": 62.5,
        "PO4-P": 87.5,
        "Coliform": 65,
    }
    assert {group: round(mean, 2) for group, mean in water.groups.items()} == {
        Group.PH: 100,
        Group.ORGANICS_AND_NUTRIENTS: 70.79,
        Group.MICROBES: 65,
    }
    assert (water.index, water.formula) == (68, Formula.EQUAL_WEIGHTS)  # (70.79 · 65)^(1/2) = 67.83
    assert water.level is not None
    assert (water.level.name_vi, water.level.name, water.level.rgb) == (
        "Trung bình",
        "moderate",
        (255, 255, 0),
    )


def test_the_decisions_worked_example_has_its_sub_indices() -> None:
    water = water_index(EXAMPLE)
    subindices = {name: round(float(value), 1) for name, value in water.subindices.items()}
    # It prints 73.3, as if water of 27.5 °C held 7.776 mg/L; by its own polynomial it holds 7.797.
    assert subindices.pop("DO") == 73.1
    assert subindices == {
        "pH": 100,
        "Aldrin": 100,
        "Dieldrin": 100,
        "Cu": 100,
        "As": 75,
        "BOD": 37.5,
        "COD": 58.3,
        "NH4-N": 100,
        "PO4-P": 50,
        "Coliform": 25,
    }


def test_the_worked_examples_total_follows_from_the_formulas_and_not_from_its_print() -> None:
    # It prints 16 and 19. √(100 · 75)/100 · (63.83 · 25)^(1/2) = 34.6; with (63.83² · 25)^(1/3) it is 40.4.
    assert water_index(EXAMPLE).index == 35
    assert water_index(EXAMPLE, pollution=[Pollution.ORGANIC]).index == 40


def test_where_organic_pollution_needs_attention_group_iv_counts_twice() -> None:
    water = water_index({**RIVER, "Coliform": 6_000.0}, pollution=[Pollution.ORGANIC])
    assert (water.index, water.formula) == (69, Formula.ORGANIC_POLLUTION)  # (70.79² · 65)^(1/3) = 68.80


@pytest.mark.parametrize("pollution", [[], [Pollution.ORGANIC]])
def test_without_microbes_group_iv_stands_alone(pollution: list[Pollution]) -> None:
    water = water_index(RIVER, pollution=pollution, least_groups=2)
    assert (water.index, water.formula) == (71, Formula.WITHOUT_MICROBES)


@pytest.mark.parametrize(
    ("pollution", "substance"), [(Pollution.PESTICIDES, "Aldrin"), (Pollution.METALS, "Cu")]
)
def test_where_pesticides_or_metals_are_known_their_group_is_compulsory(
    pollution: Pollution, substance: str
) -> None:
    river = {**RIVER, "Coliform": 6_000.0}
    water = water_index(river, pollution=[pollution])
    assert (water.index, water.formula, water.level) == (None, None, None)
    assert water_index({**river, substance: 0.0}, pollution=[pollution]).index == 68


def test_ph_pesticides_and_metals_are_factors() -> None:
    sample = {"COD": 10.0, "BOD": 4.0, "TOC": 4.0, "pH": 9.0}
    assert water_index(sample, least_groups=2).index == 50
    # √(100 · 10) = 31.6; √(75 · 50) = 61.2
    assert water_index({**sample, "Aldrin": 0.0, "BHC": 1.0}).index == 16
    assert water_index({**sample, "Cd": 0.005, "Pb": 0.04}).index == 31
    assert water_index({**sample, "Aldrin": 0.0, "BHC": 1.0, "Cd": 0.005, "Pb": 0.04}).index == 10


def test_a_half_is_rounded_up() -> None:
    # Mean of 75, 75 and 61.5.
    assert water_index({"COD": 15.0, "BOD": 6.0, "TOC": 10.86}, least_groups=1).index == 71


def test_three_groups_and_three_parameters_of_group_iv_are_needed_unless_told_otherwise() -> None:
    assert water_index(RIVER).index is None
    few = {"pH": 7.0, "COD": 10.0, "BOD": 4.0, "Coliform": 100.0}
    assert water_index(few).index is None
    assert water_index(few, least_in_iv=2).index == 100
    assert water_index({**few, "TOC": 1.0}).index == 100


def test_group_iv_is_needed_in_any_case() -> None:
    sample = {"pH": 7.0, "As": 0.0, "Coliform": 100.0}
    water = water_index(sample, least_groups=1, least_in_iv=0)
    assert len(water.groups) == 3
    assert (water.index, water.level) == (None, None)


@given(samples)
def test_no_sample_raises_whatever_doubles_it_holds(sample: dict[str, float | None]) -> None:
    water = water_index(sample, least_groups=1, least_in_iv=1)
    assert all(10 <= found <= 100 for found in water.subindices.values())
    assert water.index is None or 0 <= water.index <= 100
    assert (water.formula is None) == (water.index is None)


@given(
    st.sampled_from(sorted(set(SCALES) - {"pH", "DO"})),
    st.floats(min_value=0, max_value=20_000),
    st.floats(min_value=0, max_value=20_000),
)
def test_more_of_a_pollutant_never_raises_its_sub_index(name: str, one: float, other: float) -> None:
    low, high = (of(name, value) for value in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low >= high


@pytest.mark.parametrize(
    ("lowest", "highest", "name_vi", "rgb"),
    [
        (91, 100, "Rất tốt", (51, 51, 255)),
        (76, 90, "Tốt", (0, 228, 0)),
        (51, 75, "Trung bình", (255, 255, 0)),
        (26, 50, "Xấu", (255, 126, 0)),
        (10, 25, "Kém", (255, 0, 0)),
        (0, 9, "Ô nhiễm rất nặng", (126, 0, 35)),
    ],
)
def test_levels_are_those_of_the_table(
    lowest: int, highest: int, name_vi: str, rgb: tuple[int, int, int]
) -> None:
    for index in (lowest, highest):
        level = level_of(index, LEVELS)
        assert (level.name_vi, level.rgb) == (name_vi, rgb)


def test_figures_of_one_source_say_so() -> None:
    assert SCALES["Cd"].unverified == "one source"
    assert SCALES["COD"].unverified == ""
    assert {level.unverified for level in LEVELS} == {"English words: a translation"}


@pytest.mark.parametrize(
    ("name", "limit", "qualifier", "subindex"),
    [
        ("Coliform", 11_000.0, ">", 10),
        ("Coliform", 10_000.0, ">", 10),
        ("Coliform", 9_000.0, ">", None),
        ("Coliform", 1_000.0, ">", None),
        ("Coliform", 3.0, "<", 100),
        ("BOD", 2.0, "<", 100),
        ("BOD", 4.0, "<", 100),
        ("BOD", 5.0, "<", None),
        ("BOD", 60.0, "<", None),
        ("BOD", 50.0, ">", 10),
        ("NH4-N", 0.3, "<", 100),
        ("NH4-N", 0.31, "<", None),
        ("NO2-N", 0.02, "<", 100),
        ("NO2-N", 0.05, "<", 100),
        ("NO2-N", 0.06, "<", None),
        ("NO2-N", 0.05, ">", 10),
        ("pH", 5.0, "<", 10),
        ("pH", 5.5, "<", 10),
        ("pH", 6.0, "<", None),
        ("pH", 9.0, ">", 10),
    ],
)
def test_a_value_beyond_a_limit_has_a_sub_index_where_all_values_there_have_the_same(
    name: str, limit: float, qualifier: Qualifier, subindex: float | None
) -> None:
    water = water_index({name: limit}, qualifiers={name: qualifier})
    assert water.subindices.get(name) == subindex


def test_oxygen_below_a_limit_is_judged_by_its_saturation_and_not_at_a_doubtful_temperature() -> None:
    def oxygen(value: float, **qualifiers: Qualifier) -> object:
        return water_index({"DO": value, "Temp": 25.0}, qualifiers=qualifiers).subindices.get("DO")

    assert oxygen(1.0, DO="<") == 10
    assert oxygen(6.0, DO="<") is None
    assert oxygen(1.0, Temp="<") is None


def test_a_coliform_above_the_method_keeps_its_weight_in_the_index() -> None:
    """Left out, it lifted the index by a level."""
    above = water_index({**RIVER, "Coliform": 11_000.0}, qualifiers={"Coliform": ">"})
    assert above.index == water_index({**RIVER, "Coliform": 12_000.0}).index
    assert above.formula is Formula.EQUAL_WEIGHTS


@given(
    st.sampled_from([name for name in SCALES if name != "DO"]),
    st.floats(0, 20_000),
    st.sampled_from(["<", ">"]),
    st.floats(0, 1, exclude_max=True),
)
def test_the_sub_index_of_a_limit_is_that_of_every_value_beyond_it(
    name: str, limit: float, qualifier: Qualifier, share: float
) -> None:
    certain = water_index({name: limit}, qualifiers={name: qualifier}).subindices.get(name)
    value = limit * share if qualifier == "<" else limit + 1e-6 + limit * share * 100
    if certain is not None and (value < limit or qualifier == ">"):
        assert water_index({name: value}).subindices[name] == certain
