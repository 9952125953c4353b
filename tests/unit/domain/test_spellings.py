import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.spellings import clean, did_you_mean, fold, nearest, plain_letters


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Oxy hoà tan", "Oxy hòa tan"),
        ("khoẻ", "khỏe"),
        ("thuỷ", "thủy"),
        ("QUÝ", "qúy"),
        ("Ðà Nẵng", "Đà Nẵng"),
        ("ðục", "đục"),
        ("\u0189ộ", "Độ"),
        ("NO₃⁻", "no3-"),
        ("m\u200di\u00adn", "min"),
        ("\ufeffTram", "TRAM"),
        ("Tram\u00a0 1", "tram 1"),
        ("PM\u201310", "PM-10"),
        ("Nhiệt độ", unicodedata.normalize("NFD", "NHIỆT ĐỘ")),
        ("\u0410\u0412", "AB"),
    ],
)
def test_names_that_look_the_same_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Độ đục", "Do duc"),
        ("hòa", "hóa"),
        ("hoa", "hoà"),
        ("Amoni", "Amôni"),
        ("NO2", "NO3"),
        ("N02", "NO2"),
        ("Cl", "Cl-"),
        ("Tram 1", "Tram1"),
        ("mưa", "mua"),
    ],
)
def test_names_that_look_different_stay_two(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=30))
def test_what_is_folded_or_cleaned_once_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert clean(clean(text)) == clean(text)


@given(st.text(max_size=30))
def test_composed_and_decomposed_letters_are_one(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_the_nearest_names_come_first_whatever_their_case_and_marks() -> None:
    assert nearest("do duc", ["Độ dẫn điện", "Độ đục", "COD"]) == ["Độ đục"]
    assert nearest("NO", ["NO2", "NO", "CO"], count=2) == ["NO", "NO2"]
    assert nearest("x", []) == []


def test_only_a_likely_name_is_suggested() -> None:
    assert did_you_mean("titel", ["title", "rows"]) == "; did you mean 'title'?"
    assert did_you_mean("qqq", ["title", "rows"]) == ""


def test_letters_without_their_marks() -> None:
    assert plain_letters("Đắk Lắk, thủy ngân") == "Dak Lak, thuy ngan"
