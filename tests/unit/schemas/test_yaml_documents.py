"""What YAML makes of what people write, and where it stands."""

from datetime import UTC, date, datetime

import pytest

from schemas.unreadable import Unreadable
from schemas.yaml_documents import DocumentError, read_document


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("NO", "false"),
        ("yes", "true"),
        ("on", "true"),
        ("01", "the number 1"),
        ("1.50", "the number 1.5"),
        ("12:30", "a number"),
        ("1_000", "a number"),
        ("0x1F", "a number"),
        (".inf", "a number"),
        ("2026-01-01", "a date or a time"),
        ("2026-02-30", "a date or a time"),
        ("null", "nothing"),
    ],
)
def test_a_bare_word_that_yaml_reads_otherwise_is_explained(word: str, meaning: str) -> None:
    document = read_document(f"a:\n  - code: {word}\n")
    sentence = f'YAML reads {word} as {meaning}; put it in quotes: "{word}"'
    assert document.misreading(("a", 0, "code")) == sentence
    assert word not in document.misreading(("a", 0, "code"), shown=False)


@pytest.mark.parametrize("word", ["PM2.5", "1e3", "=", '"NO"', "'01'", "Trạm", "08h", "24:00h"])
def test_a_text_is_no_misreading(word: str) -> None:
    document = read_document(f"code: {word}\n")
    assert document.misreading(("code",)) == ""
    assert document.value == {"code": word.strip("\"'")}


def test_numbers_and_times_are_read_as_everywhere_else() -> None:
    document = read_document("{a: 010, b: -1.60, c: 2026-01-01, d: 2026-01-01 24:00:00+07:00, e: ~}")
    midnight = datetime(2026, 1, 1, 17, tzinfo=UTC)
    assert document.value == {"a": 10, "b": -1.6, "c": date(2026, 1, 1), "d": midnight, "e": None}


@pytest.mark.parametrize("word", ["1_000", "1:30", "2026-02-30", "!!binary x", "!own x", "9999999999-01-01x"])
def test_what_cannot_be_read_stops_nothing(word: str) -> None:
    value = read_document(f"a: {word}\nb: 5\n").value
    assert value["b"] == 5
    assert isinstance(value["a"], Unreadable | str)


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert read_document("{NO: 1, 01: 2}").value == {"NO": 1, "01": 2}


def test_a_key_that_stands_twice_is_named_with_its_line() -> None:
    document = read_document("a: 1\nb: 2\na: 3\n")
    assert document.problems == [(3, "'a' stands twice; only the last one would count")]


def test_what_is_merged_is_found_where_it_stands_and_may_be_replaced() -> None:
    document = read_document("x: &x\n  a: 1\n  b: 2\ny:\n  <<: *x\n  a: 3\n")
    assert document.value["y"] == {"a": 3, "b": 2}
    assert [document.line(("y", key)) for key in "ab"] == [6, 3]
    assert document.problems == []


def test_a_list_that_holds_itself_ends() -> None:
    (inner,) = read_document("a: &a [*a]").value["a"]
    assert isinstance(inner, Unreadable)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [", 3),
        ("a: 1\n\tb: 2", 2),
        ("a: b: c", 1),
        ("a: 1\n--- 2", 2),
        ("a: \x00", 1),
        ("[" * 900 + "]" * 900, 1),
    ],
)
def test_what_is_no_yaml_is_refused_with_a_line(text: str, line: int) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(text)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_an_empty_document_is_nothing() -> None:
    assert read_document("").value is None
    assert read_document("# nothing\n").line(("a", 0)) == 1
