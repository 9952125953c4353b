"""Values beyond what a method can measure: what is one, and what only looks like it."""

import pytest

from quantrac.domain.numbers import (
    AmbiguousNumberError,
    NotDetectedError,
    NumberError,
    Numbers,
    decimal_sign,
    is_number,
)


@pytest.mark.parametrize(
    ("text", "value", "qualifier"),
    [
        ("<0.2", 0.2, "<"),
        (" < 0.2 ", 0.2, "<"),
        ("<0,2", 0.2, "<"),
        (">11000", 11000.0, ">"),
        (">1.1E4", 11000.0, ">"),
        ("＜0.2", 0.2, "<"),
        ("KPH (<0.03)", 0.03, "<"),
        ("KPH(LOD=0,03)", 0.03, "<"),
        ("kph < 0.03", 0.03, "<"),
        ("Không phát hiện (GHPH: 0.03)", 0.03, "<"),
        ("ND(<0.03)", 0.03, "<"),
        ("not detected (MDL 0.03)", 0.03, "<"),
        ("27.8", 27.8, ""),
        ("-1.6", -1.6, ""),
    ],
)
def test_a_limit_is_read_as_its_number_and_a_qualifier(text: str, value: float, qualifier: str) -> None:
    assert Numbers().read_qualified(text) == (value, qualifier)
    assert is_number(text)


@pytest.mark.parametrize(
    "text",
    ["KPH", "kph", "ND", "n.d.", "Not detected", "non-detect", "Không phát hiện", "<LOD", "< MDL", "BDL"],
)
def test_not_detected_without_a_limit_is_no_value_and_says_so(text: str) -> None:
    with pytest.raises(NotDetectedError, match="does not say below which limit"):
        Numbers().read_qualified(text)


@pytest.mark.parametrize(
    "text",
    [
        "<",
        ">",
        "<<0.2",
        "<>0.2",
        "0.2<",
        "<0.2x",
        "<-",
        "<NaN",
        "<1e999",
        "<1_000",
        "KPH (<)",
        "KPH 0.03",
        "NDX",
        "",
    ],
)
def test_what_only_looks_like_a_limit_is_no_number(text: str) -> None:
    with pytest.raises(NumberError) as error:
        Numbers().read_qualified(text)
    assert error.type is NumberError
    assert repr(text.strip()) in str(error.value)


@pytest.mark.parametrize("text", ["<0.2", "KPH"])
def test_where_a_plain_number_is_wanted_a_limit_is_none(text: str) -> None:
    with pytest.raises(NumberError):
        Numbers().read(text)


def test_the_decimal_sign_of_a_limit_is_that_of_the_file_and_shows_it() -> None:
    with pytest.raises(AmbiguousNumberError, match="<1,013"):
        Numbers(lambda: ["<1,013"]).read_qualified("<1,013")
    assert Numbers(lambda: ["<1,013", "7,85"]).read_qualified("<1,013") == (1.013, "<")
    assert Numbers(lambda: ["1,013", "<0,2"]).read_qualified("1,013") == (1.013, "")
    assert decimal_sign("<0,2") is None
