import unicodedata
from collections import Counter

import pytest

from quantrac.domain.catalogue import CATALOGUE, find_parameter, look_up_parameter
from quantrac.domain.registry.stations import StationType
from quantrac.domain.spellings import fold
from quantrac.domain.units import canonical_unit


def code(name: str) -> str | None:
    found = find_parameter(name)
    return found.code if found else None


def test_no_spelling_means_two_parameters() -> None:
    spellings = Counter(key for entry in CATALOGUE for key in {fold(name) for name in entry.spellings})

    assert [key for key, count in spellings.items() if count > 1] == []


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("PM-2-5", "PM2.5"),
        ("PM2,5", "PM2.5"),
        (" pm2.5 ", "PM2.5"),
        ("PM-10", "PM10"),
        ("Amoni", "NH4"),
        ("N-NH4", "NH4-N"),
        ("Nhiệt độ", "Temp"),
        ("NHIỆTĐỘ", "Temp"),
        (unicodedata.normalize("NFD", "Nhiệtđộ"), "Temp"),
        ("Ápsuất", "Pressure"),
        ("Áp  suất", "Pressure"),
        ("Flowin", "FlowIn"),
        ("Flow_Out", "FlowOut"),
        ("RH", "Humidity"),
        ("COND", "EC"),
        ("TURB", "Turbidity"),
        ("COLOR", "Color"),
        ("G-Radian", "Radiation"),
        ("Benzen", "Benzene"),
        ("vinyl chloride", "Vinyl chloride"),
        ("m,p-Xylene", "m,p-Xylene"),
        ("FLOW", "Flow"),
        ("Clo", "Cl"),
        ("Xyanua", "CN"),
        ("HG", "Hg"),
        ("Temp Enviroment", "TempEnv"),
        ("Ðộ ẩm", "Humidity"),
        ("Ðộ đục", "Turbidity"),
        ("Oxy hoà tan", "DO"),
        ("Thuỷ ngân", "Hg"),
        ("Nhu cầu oxy hoá học", "COD"),
        ("NO₂", "NO2"),
        ("SO\u2082", "SO2"),
        ("NH₄⁺", "NH4"),
        ("PO₄³⁻", "PO4"),
        ("Cl⁻", "Cl-"),
        ("PM₂.₅", "PM2.5"),
        ("PM\u20112\u20115", "PM2.5"),
        ("\ufeffNO2", "NO2"),
        ("NO\u200b2", "NO2"),
        ("Ｎ\uff2f２", "NO2"),
        ("\u0421\u041e", "CO"),
        ("Kênh 7", None),
        ("N02", None),
        ("Nhiet đo", None),
        ("", None),
    ],
)
def test_a_parameter_is_known_in_the_spellings_of_files(spelling: str, expected: str | None) -> None:
    assert code(spelling) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Temp", "TempIn"),
        ("Flowin", "Flow_Out"),
        ("Flow", "Flowin"),
        ("NO3", "NO3-N"),
        ("NH4", "NH4-N"),
        ("NH4", "NH3"),
        ("PO4", "P-PO4"),
        ("o-Xylene", "m,p-Xylene"),
        ("Cl", "Cl-"),
        ("NO2", "NO2-N"),
        ("Hg", "VHg"),
    ],
)
def test_different_quantities_stay_apart(one: str, other: str) -> None:
    assert code(one) is not None
    assert code(other) is not None
    assert code(one) != code(other)


def test_the_usual_units_are_written_as_the_table_of_units_writes_them() -> None:
    units = {unit for entry in CATALOGUE for unit in entry.units.values()}

    assert {unit for unit in units if canonical_unit(unit) != unit} == set()


def test_the_usual_unit_depends_on_the_medium() -> None:
    so2 = find_parameter("SO2")

    assert so2 is not None
    assert so2.units == {StationType.AMBIENT_AIR: "µg/m3", StationType.STACK: "mg/Nm3"}


@pytest.mark.parametrize(
    ("parameter", "unit", "medium", "possible"),
    [
        ("PM2.5", "mg/m3", StationType.AMBIENT_AIR, True),
        ("PM2.5", "µg/Nm3", StationType.AMBIENT_AIR, True),
        ("PM2.5", "°C", StationType.AMBIENT_AIR, False),
        ("PM2.5", "ppb", StationType.AMBIENT_AIR, False),
        ("PM2.5", "mg/L", StationType.AMBIENT_AIR, False),
        ("PM2.5", "mg/L", StationType.SURFACE_WATER, True),
        ("Benzene", "mg/L", StationType.WASTEWATER, True),
        ("Hg", "mg/L", StationType.AMBIENT_AIR, False),
        ("NO2", "ppb", StationType.AMBIENT_AIR, True),
        ("SO2", "ppm", StationType.STACK, True),
        ("SO2", "mg/m3", StationType.STACK, True),
        ("CO2", "ppm", StationType.STACK, True),
        ("COD", "g/m3", StationType.WASTEWATER, True),
        ("COD", "ppb", StationType.WASTEWATER, False),
        ("DO", "%", StationType.SURFACE_WATER, False),
        ("Turbidity", "FNU", StationType.SURFACE_WATER, True),
        ("Coliform", "CFU/100mL", StationType.SURFACE_WATER, True),
        ("Temp", "°F", StationType.STACK, True),
        ("Temp", "%", StationType.STACK, False),
        ("pH", "", StationType.WASTEWATER, True),
        ("pH", "mg/L", StationType.WASTEWATER, False),
        ("Flow", "m3/d", StationType.WASTEWATER, True),
        ("Flow", "Nm3/h", StationType.STACK, True),
        ("WindDir", "°C", StationType.AMBIENT_AIR, False),
    ],
)
def test_a_parameter_has_the_units_of_what_it_measures(
    parameter: str, unit: str, medium: StationType, possible: bool
) -> None:
    entry = find_parameter(parameter)

    assert entry is not None
    assert entry.can_be_in(unit, medium) is possible


@pytest.mark.parametrize(
    ("name", "near"), [("Turbidty", "Turbidity"), ("PM2.55", "PM2.5"), ("Do duc", "Độ đục")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' is not in the catalogue; the nearest name is '{near}'"):
        look_up_parameter(name)
