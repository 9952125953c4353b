"""Indices of stations that keep a parameter in another unit than the decisions' tables."""

import pytest

from services.aggregator.windows.indices.columns import to_index_unit


@pytest.mark.parametrize(
    ("parameter", "unit", "kind", "value", "expected"),
    [
        ("CO", "mg/m3", "VN_AQI", 2.1, 2100.0),
        ("PM2.5", "µg/Nm3", "VN_AQI", 55.7, 55.7),
        ("PM2.5", "ug/m3", "VN_AQI", 55.7, 55.7),
        ("O3", "ppb", "VN_AQI", 10.0, 19.6187268551),
        ("As", "µg/L", "VN_WQI", 10.0, 0.01),
        ("COD", "g/m3", "VN_WQI", 20.0, 20.0),
        ("Coliform", "MPN/100mL", "VN_WQI", 6000.0, 6000.0),
    ],
)
def test_values_are_brought_into_the_unit_of_the_tables(
    parameter: str, unit: str, kind: str, value: float, expected: float
) -> None:
    factors = to_index_unit(parameter, unit, kind)
    assert factors is not None
    assert factors.apply(value) == expected


def test_values_in_the_unit_of_the_tables_stay_as_they_are() -> None:
    factors = to_index_unit("PM2.5", "µg/m3", "VN_AQI")
    assert factors is not None
    assert factors.is_identity


@pytest.mark.parametrize(
    ("parameter", "unit", "kind"),
    [("PM2.5", "ppb", "VN_AQI"), ("CO", "mg/L", "VN_AQI"), ("COD", "%", "VN_WQI"), ("X9", "mg/L", "VN_WQI")],
)
def test_what_does_not_convert_gives_no_subindex(parameter: str, unit: str, kind: str) -> None:
    assert to_index_unit(parameter, unit, kind) is None
