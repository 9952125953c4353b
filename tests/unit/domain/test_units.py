import pytest

from quantrac.domain.units import UNITS, _key, canonical_unit, conversion


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
    keys = [_key(spelling) for unit in UNITS for spelling in {_key(s) for s in (unit.name, *unit.spellings)}]

    assert len(keys) == len(set(keys))


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
    found = conversion("mg/m3", "µg/Nm3", normal_is_actual=True)

    assert found is not None
    assert found.apply(2.0) == 2000.0
