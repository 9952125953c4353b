"""Indices over the API: the level of a value."""

import pytest

from quantrac.testing.builders import NOON
from services.api.common.times import time_zone
from services.api.indices.answer import present_index


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("VN_AQI", 50, ("good", "Tốt", "green", "xanh", "#00e400")),
        ("VN_AQI", 51, ("moderate", "Trung bình", "yellow", "vàng", "#ffff00")),
        ("VN_AQI", 500, ("hazardous", "Nguy hại", "brown", "nâu", "#7e0023")),
        ("VN_WQI", 50, ("bad", "Xấu", "orange", "da cam", "#ff7e00")),
        ("VN_WQI", 0, ("very heavily polluted", "Ô nhiễm rất nặng", "brown", "nâu", "#7e0023")),
    ],
)
def test_the_level_of_an_index_is_the_one_of_its_own_scale(
    kind: str, value: int, shown: tuple[str, ...]
) -> None:
    row = {"kind": kind, "value": value, "starts_at": NOON, "ends_at": NOON}
    level = present_index(row, time_zone("UTC"))["level"]
    assert tuple(level[name] for name in ("name", "name_vi", "colour", "colour_vi", "rgb")) == shown
