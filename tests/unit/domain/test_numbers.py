"""Numbers as they are written: what each text is, alone and beside the other numbers of its file."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain import numbers
from quantrac.domain.numbers import (
    AmbiguousNumberError,
    DecimalSign,
    NumberError,
    Numbers,
    decimal_sign,
    is_number,
    read_plain,
)

OTHER = {".": ",", ",": "."}
SIGNS = st.sampled_from([".", ","])


def test_the_examples_in_the_docstrings_are_true() -> None:
    results = doctest.testmod(numbers)
    assert results.attempted > 0
    assert results.failed == 0


def read(text: str, *beside: str, declared: DecimalSign | None = None) -> float | str:
    """The number, or why there is none."""
    try:
        return Numbers(lambda: [*beside, text], declared).read(text)
    except AmbiguousNumberError:
        return "ambiguous"
    except NumberError:
        return "no number"


@pytest.mark.parametrize(
    ("text", "beside", "value"),
    [
        ("1,013", [], "ambiguous"),
        ("1,013", ["45.3"], "ambiguous"),
        ("1,013", ["7,85"], 1.013),
        ("1,013", ["7,85", "45.3"], "ambiguous"),
        ("1,013", ["2,450", "12", "x", ""], "ambiguous"),
        ("1.250", [], 1.25),
        ("1.250", ["35,2"], "ambiguous"),
        ("1.250", ["35,2", "4.1"], 1.25),
        ("1.250", ["1,013"], 1.25),
        ("25,1", ["25.4"], 25.1),
        ("0,013", ["25.4"], 0.013),
        ("1013,250", ["25.4"], 1013.25),
        ("1,0130", ["25.4"], 1.013),
        ("1,5E-05", ["25.4"], 1.5e-5),
        ("1,013E3", ["25.4"], 1013.0),
        (".123", ["35,2"], 0.123),
        ("5.e-3", ["35,2"], 0.005),
        (" -1,250\t", ["35,2"], -1.25),
        ("7.85\u00a0", [], "no number"),
        ("1_000", [], "no number"),
        ("1,234,567", [], "no number"),
        ("1,234.5", [], "no number"),
        ("1 234,5", [], "no number"),
        ("9" * 400 + ",5", [], "no number"),
        ("1,5,5", ["35,2"], "no number"),
        (",", [], "no number"),
    ],
)
def test_a_number_is_what_it_can_only_be_in_its_file(
    text: str, beside: list[str], value: float | str
) -> None:
    assert read(text, *beside) == value


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("1,013", ".", 1013.0),
        ("1,234,567", ".", 1_234_567.0),
        ("-1,234.5", ".", -1234.5),
        ("7,85", ".", 7.85),
        ("1.013", ".", 1.013),
        ("1,013", ",", 1.013),
        ("1.013", ",", 1013.0),
        ("1.234.567,8", ",", 1_234_567.8),
        ("7.85", ",", 7.85),
        ("1.234,5", ".", "no number"),
        ("1,23,456", ".", "no number"),
        ("1" + ",999" * 200, ".", "no number"),
        ("1_000", ".", "no number"),
    ],
)
def test_where_the_decimal_sign_is_declared_the_other_one_divides_thousands(
    text: str, declared: DecimalSign, value: float | str
) -> None:
    assert read(text, "7,85", "45.3", declared=declared) == value


@given(SIGNS, st.integers(1, 999), st.integers(0, 999), st.lists(st.integers(0, 9_999), max_size=4))
def test_no_number_is_ever_a_thousand_times_too_small_or_too_great(
    sign: DecimalSign, whole: int, fraction: int, others: list[int]
) -> None:
    """A file written with one decimal sign, and the other one between thousands."""
    thousands = f"{whole}{OTHER[sign]}{fraction:03}"
    beside = [f"{number}{sign}5" for number in others]
    value = read(thousands, *beside, f"7{sign}85")
    assert value in ("ambiguous", whole * 1000.0 + fraction)
    assert read(thousands, *beside, declared=sign) == whole * 1000.0 + fraction
    assert read(f"{whole}{sign}{fraction:03}", *beside, f"7{sign}85") == float(f"{whole}.{fraction:03}")


@given(st.floats(allow_nan=False, allow_infinity=False), SIGNS)
def test_what_a_program_writes_in_its_culture_comes_back(value: float, sign: str) -> None:
    text = repr(value).replace(".", sign)
    assert read(text, f"0{sign}5") == value


def test_the_numbers_of_a_file_are_looked_at_once_and_only_for_a_question() -> None:
    asked: list[int] = []

    def written() -> list[str]:
        asked.append(1)
        return ["7,85"]

    file = Numbers(written)
    assert [file.read(text) for text in ("1.5", "7,85", "12")] == [1.5, 7.85, 12.0]
    assert asked == []
    assert [file.read(text) for text in ("1,013", "2,450")] == [1.013, 2.45]
    assert asked == [1]


@pytest.mark.parametrize("text", ["7,85", "1_000", "nan", "-inf", "1e999", "٣", "", "x", "7.85\u00a0"])
def test_a_configuration_has_plain_numbers_only(text: str) -> None:
    with pytest.raises(NumberError, match="is no number"):
        read_plain(text)


@given(st.text(alphabet="0123456789.,+-eE_ x\t", max_size=12))
def test_no_text_raises_anything_else_and_a_sign_is_only_shown_by_a_number(text: str) -> None:
    value = read(text, "7,85")
    assert isinstance(value, float | str)
    assert decimal_sign(text) is None or is_number(text) or text.count(",") + text.count(".") > 1
