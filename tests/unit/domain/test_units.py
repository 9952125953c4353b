import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.registry.stations import StationType
from quantrac.domain.units import (
    SPELLINGS,
    UNITS,
    canonical_unit,
    check_unit,
    conversion,
    is_comparable,
    spelling_key,
)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("mg/l", "mg/L"),
        ("MG/L", "mg/L"),
        ("ug/m3", "µg/m3"),
        ("\u00b5g/m3", "µg/m3"),
        ("\u03bcg/m3", "µg/m3"),
        ("µg/m³", "µg/m3"),
        ("µg/Nm3", "µg/Nm3"),
        ("mg/Nm3", "mg/Nm3"),
        ("oC", "°C"),
        ("ºC", "°C"),
        ("℃", "°C"),
        ("C", "°C"),
        ("o", "°"),
        ("Degree", "°"),
        ("uS/cm", "µS/cm"),
        ("mS/cm", "mS/cm"),
        ("w/m2", "W/m2"),
        ("W/m²", "W/m2"),
        ("m3/h", "m3/h"),
        ("m³/giờ", "m3/h"),
        ("MPN/100ml", "MPN/100mL"),
        ("‰", "‰"),
        ("FNU", "FNU"),
        ("Pt-Co", "Pt-Co"),
        (" % ", "%"),
        ("", ""),
        ("-", ""),
        ("---", ""),
    ],
)
def test_a_unit_is_known_in_the_spellings_of_files(spelling: str, canonical: str) -> None:
    assert canonical_unit(spelling) == canonical


@pytest.mark.parametrize("spelling", ["furlong", "g", "mg", "?", "mg/kg", "00"])
def test_an_unknown_unit_is_not_guessed(spelling: str) -> None:
    assert canonical_unit(spelling) is None


def test_no_spelling_means_two_units() -> None:
    meanings = {(spelling_key(spelling), name) for spelling, name in SPELLINGS.items()}

    assert len(meanings) == len(dict(meanings))
    assert {name for _, name in meanings} == {unit.name for unit in UNITS}


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.1, "mg/m3", "µg/m3", 1100.0),
        (0.3, "mg/L", "µg/L", 300.0),
        (100.5425, "kPa", "hPa", 1005.425),
        (251.3, "µS/cm", "mS/cm", 0.2513),
        (212.0, "°F", "°C", 100.0),
        (25.0, "°C", "°F", 77.0),
        (293.15, "K", "°C", 20.0),
        (1.0, "ppm", "ppb", 1000.0),
        (36.0, "km/h", "m/s", 10.0),
        (1.0, "m3/s", "m3/h", 3600.0),
        (760.0, "mmHg", "hPa", 1013.25014435),
        (20.0, "ng/m3", "µg/m3", 0.02),
    ],
)
def test_compatible_units_convert(value: float, source: str, target: str, expected: float) -> None:
    found = conversion(source, target)

    assert found is not None
    assert found.apply(value) == expected


@pytest.mark.parametrize(
    ("gas", "molar_mass", "micrograms"),
    [("SO2", 64.066, 2.619), ("NO2", 46.006, 1.880), ("O3", 47.998, 1.962), ("CO", 28.010, 1.145)],
)
def test_one_ppb_of_a_gas_at_25_degrees(gas: str, molar_mass: float, micrograms: float) -> None:
    found = conversion("ppb", "µg/Nm3", molar_mass=molar_mass)

    assert found is not None
    assert round(found.apply(1.0), 3) == micrograms


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("mg/L", "µg/m3"),
        ("mg/m3", "mg/Nm3"),
        ("ppb", "µg/m3"),
        ("°", "°C"),
        ("NTU", "FNU"),
        ("%", ""),
        ("furlong", "m"),
    ],
)
def test_units_of_different_things_do_not_convert(source: str, target: str) -> None:
    assert conversion(source, target) is None


def test_normal_and_actual_cubic_metres_are_equal_only_where_said() -> None:
    found = conversion("mg/m3", "µg/Nm3", medium=StationType.AMBIENT_AIR)

    assert found is not None
    assert found.apply(2.0) == 2000.0
    assert conversion("mg/m3", "µg/Nm3", medium=StationType.STACK) is None


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("˚C", "°C"),
        ("\u2070C", "°C"),
        ("˚", "°"),
        ("m3/ngày đêm", "m3/d"),
        ("m³/ngày.đêm", "m3/d"),
        ("m3/ngđ", "m3/d"),
        ("m3/ng.đ", "m3/d"),
        ("m3/NGÀY ĐÊM", "m3/d"),
        ("m3/hour", "m3/h"),
        ("m3 h-1", "m3/h"),
        ("mg.m-3", "mg/m3"),
        ("mg m^-3", "mg/m3"),
        ("mg·m⁻³", "mg/m3"),
        ("mg*m**-3", "mg/m3"),
        ("mg per m3", "mg/m3"),
        ("[mg/m3]", "mg/m3"),
        ("㎎/㎥", "mg/m3"),
        ("mg/m3N", "mg/Nm3"),
        ("mg/m³(N)", "mg/Nm3"),
        ("mg/Nm³", "mg/Nm3"),
        ("mg/nm3", "mg/Nm3"),
        ("mg/mN3", "mg/Nm3"),
        ("m3N/h", "Nm3/h"),
        ("µS·cm⁻¹", "µS/cm"),
        ("mg l-1", "mg/L"),
        ("l/phút", "L/min"),
        ("m.s-1", "m/s"),
        ("W·m⁻²", "W/m2"),
        ("mbar", "hPa"),
        ("MPN/100 ml", "MPN/100mL"),
        ("g/m3", "g/m3"),
        ("mg/dm3", "mg/dm3"),
        ("ML/d", "ML/d"),
        ("ml/min", "mL/min"),
        ("mg\u200b/m3\ufeff", "mg/m3"),
    ],
)
def test_a_unit_is_read_by_its_symbols(spelling: str, canonical: str) -> None:
    assert canonical_unit(spelling) == canonical


@pytest.mark.parametrize(
    "spelling",
    ["W/m2.K", "mg/m-3", "mg/m3 C", "mg/m3 N", "mg N/L", "mg-N/L", "mgN/L", "mg/Nm2", "mg/m3/m3", "mg/",
     "/m3", "mg//m3", "25mg/L", "mpa", "mg/m33", "m0", "kg", "m3", "ng/d", "a" * 10_000],
)  # fmt: skip
def test_what_could_mean_two_things_or_nothing_that_stations_measure_is_not_guessed(spelling: str) -> None:
    assert canonical_unit(spelling) is None


@given(st.text(alphabet="mgkuµLl3/·.- ^()Nhd°C%⁻³đnày100", max_size=14))
def test_no_text_raises_and_a_canonical_spelling_means_itself(text: str) -> None:
    canonical = canonical_unit(text)

    assert canonical is None or canonical_unit(canonical) == canonical


def test_every_unit_of_the_table_is_known_by_its_own_name_and_converts_into_itself() -> None:
    for unit in UNITS:
        same = conversion(unit.name, unit.name)

        assert canonical_unit(unit.name) == unit.name
        assert same is not None
        assert (same.factor, same.offset) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("value", "source", "target", "medium", "expected"),
    [
        (2.0, "g/m3", "mg/L", StationType.WASTEWATER, 2.0),
        (14.0, "mg/m3", "µg/L", StationType.SURFACE_WATER, 14.0),
        (2.0, "mg/dm3", "mg/L", StationType.GROUNDWATER, 2.0),
        (2.0, "g/m3", "µg/m3", StationType.AMBIENT_AIR, 2e6),
        (2.0, "g/Nm3", "mg/Nm3", StationType.STACK, 2000.0),
        (24.0, "m3/d", "m3/h", None, 1.0),
        (1.0, "ML/d", "m3/d", None, 1000.0),
        (60.0, "mL/min", "L/h", None, 3.6),
        (1.0, "10m3/h", "m3/h", None, 10.0),
        (0.1, "MPa", "hPa", None, 1000.0),
        (1.0, "MPN/mL", "MPN/100mL", StationType.SURFACE_WATER, 100.0),
    ],
)
def test_products_convert_by_their_symbols(
    value: float, source: str, target: str, medium: StationType | None, expected: float
) -> None:
    found = conversion(source, target, medium=medium)

    assert found is not None
    assert found.apply(value) == expected


def test_a_litre_of_air_is_not_taken_for_one_of_water() -> None:
    assert conversion("mg/L", "µg/m3", medium=StationType.AMBIENT_AIR) is None
    assert not is_comparable("mg/L", "µg/m3", medium=StationType.STACK)
    assert is_comparable("mg/L", "g/m3", medium=StationType.WASTEWATER)


def test_an_unknown_unit_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"the unit 'mg/m33' is unknown; the nearest is 'mg/m3'"):
        check_unit("mg/m33")
