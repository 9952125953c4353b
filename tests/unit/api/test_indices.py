"""Indices over the API: the level of a value."""

import pytest

from quantrac.domain.indices.vn_wqi import OUTSIDE_THE_DECISION
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
    row = {"kind": kind, "value": value, "starts_at": NOON, "ends_at": NOON, "subindices": {}}
    level = present_index(row, time_zone("UTC"))["level"]
    assert tuple(level[name] for name in ("name", "name_vi", "colour", "colour_vi", "rgb")) == shown


@pytest.mark.parametrize(("kind", "caveat"), [("VN_AQI", ""), ("VN_WQI", OUTSIDE_THE_DECISION)])
def test_what_an_index_is_made_of_and_what_is_to_be_said_of_it_stand_beside_it(
    kind: str, caveat: str
) -> None:
    row = {"kind": kind, "value": 50, "starts_at": NOON, "ends_at": NOON}
    shown = present_index({**row, "subindices": {"pH": 100.0, "COD": 40.0}}, time_zone("UTC"))
    assert (shown["parameters"], shown["caveat"]) == (["COD", "pH"], caveat)
