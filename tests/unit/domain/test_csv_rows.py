"""Rows of a CSV: what stands around them is left out, and what is broken stays in its row."""

import pytest

from quantrac.domain.csv_rows import is_missing, read_rows


def rows(*lines: str) -> list[list[str]]:
    return [row for _, row in read_rows(f"{line}\n" for line in lines)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_tells_the_separator(separator: str) -> None:
    lines = (separator.join(cells) for cells in (["time", "value"], ["2026-03-25", '"7,85"']))
    assert rows(*lines) == [["time", "value"], ["2026-03-25", "7,85"]]


def test_a_comma_in_a_name_does_not_make_it_the_separator() -> None:
    assert rows("time;PM2,5", "2026-03-25;7,85") == [["time", "PM2,5"], ["2026-03-25", "7,85"]]


def test_lines_keep_their_numbers_whatever_is_left_out() -> None:
    lines = [
        "\ufeff\x02\n",
        "time,value\n",
        "\n",
        "a,1\n",
        "\x00\n",
        "b,2\n",
        "time,value\n",
        "EOF\n",
        "\x1a",
    ]
    assert list(read_rows(lines)) == [(2, ["time", "value"]), (4, ["a", "1"]), (6, ["b", "2"])]


def test_control_characters_around_a_cell_are_no_data_and_those_within_stay() -> None:
    assert rows("a,b", "\x021,2\x00\x00", "3,4\x035") == [["a", "b"], ["1", "2"], ["3", "4\x035"]]


def test_a_quotation_mark_without_a_second_one_spoils_its_row_alone() -> None:
    assert rows("time,value,note", 'a,1,"5 inches', "b,2,ok") == [
        ["time", "value", "note"],
        ["a", "1", "5 inches"],
        ["b", "2", "ok"],
    ]


def test_rows_of_empty_cells_are_rows() -> None:
    assert rows("time,value", ",") == [["time", "value"], ["", ""]]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "null", "None", "-", "\\N"])
def test_words_for_no_value_are_known(cell: str) -> None:
    assert is_missing(cell)


@pytest.mark.parametrize("cell", ["0", "x", "--", "<0.2"])
def test_other_texts_are_not_missing(cell: str) -> None:
    assert not is_missing(cell)
