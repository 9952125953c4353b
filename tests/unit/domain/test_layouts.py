"""The ten folder layouts, as the national receiver numbers them."""

import unicodedata
from datetime import date

import pytest

from quantrac.domain.layouts import LAYOUTS, Layout, layout_of

DAY = date(2019, 5, 30)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.number))
def test_each_layout_recognises_its_own_sample(layout: Layout) -> None:
    place = layout_of(f"/tudong/hanam/hanam3/{layout.sample}")
    assert place is not None
    assert place.layout.number == layout.number
    assert place.day == (None if layout.number == 1 else DAY)
    assert place.folders == ("tudong", "hanam", "hanam3")


def test_the_ten_are_numbered_in_order() -> None:
    assert [layout.number for layout in LAYOUTS] == list(range(10))


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("hanam3/Năm 2019/tháng 05/ngày 30/", 9),
        (unicodedata.normalize("NFD", "hanam3/Năm 2019/Tháng 5/Ngày 30"), 9),
        ("hanam3\\2019\\Tháng 05\\Ngày 30", 4),
        ("HANAM3/2019/THANG05/20190530", 3),
        ("2019/05/30", 0),
        ("", 1),
    ],
)
def test_accents_case_blanks_and_slashes_do_not_matter(path: str, number: int) -> None:
    place = layout_of(path)
    assert place is not None
    assert place.layout.number == number


@pytest.mark.parametrize(
    "path",
    ["ST/2019/13/30", "ST/2019/02/30", "ST/20193030", "ST/2019/Thang06/20190530", "ST/2019", "30.05.2019"],
)
def test_a_folder_that_means_a_day_as_no_layout_does_has_none(path: str) -> None:
    assert layout_of(path) is None
