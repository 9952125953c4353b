import unicodedata
from collections import Counter

import pytest

from quantrac.domain.catalogue import CATALOGUE, find_parameter, name_key
from quantrac.domain.registry.stations import StationType
from quantrac.domain.units import canonical_unit


def code(name: str) -> str | None:
    found = find_parameter(name)
    return found.code if found else None


def test_no_spelling_means_two_parameters() -> None:
    spellings = Counter(key for entry in CATALOGUE for key in {name_key(name) for name in entry.spellings})

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
        ("Kênh 7", None),
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
