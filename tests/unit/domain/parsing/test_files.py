"""What whole files become: names, encodings, line ends, cut transfers, garbage."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.parsing import (
    ADVICE,
    REASONS,
    ParsedFile,
    Reason,
    file_time,
    parse_file,
    station_code_from_name,
)

RECEIVED = datetime(2026, 3, 25, 0, 6, tzinfo=UTC)
NO = "NO\t0.50\tug/m3\t20260325000500\t00"
CO = "CO\t3087.03\tug/m3\t20260325000500\t02"


def read(content: bytes, name: str = "HN_ABCD_KHI001_20260325000500.txt") -> ParsedFile:
    return parse_file(content, name, None, RECEIVED)


def parameters(parsed: ParsedFile) -> list[str]:
    return [reading.parameter for reading in parsed.readings]


def reasons(parsed: ParsedFile) -> list[tuple[int, str]]:
    return [(reject.line, reject.reason) for reject in parsed.rejects]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("HN_BKHN_KHIKXQ_20260325000500.txt", "HN_BKHN_KHIKXQ"),
        ("VL_CANG_NUOC01_20260325000500.TXT", "VL_CANG_NUOC01"),
        ("STATION7_20260325000500.txt", "STATION7"),
        ("LSOS_KHIKHO_20260325000500.csv", "LSOS_KHIKHO"),
        ("A_B_C_D_E_20260325000500.txt", "A_B_C_D_E"),
        ("12_Tram nuoc_202603250005.lsi", "12_Tram nuoc"),
        ("HN_ABCD_KHI001_20260325000500", "HN_ABCD_KHI001"),
        ("HN_ABCD_KHI001_20260325000500 (1).txt", "HN_ABCD_KHI001"),
        ("2026/03/25/HN_ABCD_KHI001_20260325000500.txt", "HN_ABCD_KHI001"),
        ("D:\\data\\HN_ABCD_KHI001_20260325000500.txt", "HN_ABCD_KHI001"),
        ("01_06_2023 00_06.lsi", ""),
        ("HN_ABCD_KHI001.txt", ""),
        ("HN_ABCD_KHI001_202603.txt", ""),
        ("_20260325000500.txt", ""),
        ("../../.._20260325000500.txt", ""),
        ("", ""),
    ],
)
def test_the_station_code_is_what_stands_before_the_time(name: str, code: str) -> None:
    assert station_code_from_name(name) == code
    assert read(NO.encode(), name).station_code == code


@pytest.mark.parametrize(
    "name",
    [
        "HN_ABCD_KHI001_20260325000500.txt:Zone.Identifier",
        "HN_ABCD_KHI001_20260325000500.txtZone.Identifier",
        "dir/a.txt_zone.identifier",
    ],
)
def test_a_windows_side_file_is_refused_whole(name: str) -> None:
    parsed = read(b"[ZoneTransfer]\r\nZoneId=3\r\n", name)

    assert reasons(parsed) == [(0, "side-file")]


@pytest.mark.parametrize("content", [b"", b"\r\n", b" \r\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_without_data_is_refused_whole(content: bytes) -> None:
    parsed = read(content)

    assert reasons(parsed) == [(0, "empty-file")]
    assert parsed.format == ""


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_any_line_end_will_do_also_none_after_the_last_line(end: str, last: str) -> None:
    parsed = read((NO + end + CO + (end if last else "")).encode())

    assert [(r.line, r.parameter, r.status) for r in parsed.readings] == [(1, "NO", "00"), (2, "CO", "02")]
    assert parsed.rejects == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_usual_encodings_are_told_by_their_marks(encoding: str) -> None:
    parsed = read("Nhiệt độ\t44.9\toC\t20260325000500\t00\r\n".encode(encoding))

    assert [(r.parameter, r.value) for r in parsed.readings] == [("Temp", 44.9)]
    assert parsed.rejects == []


def test_utf_16_big_endian_is_told_by_its_mark() -> None:
    assert parameters(read(b"\xfe\xff" + f"{NO}\r\n".encode("utf-16-be"))) == ["NO"]


def test_an_undecodable_line_does_not_take_the_good_lines_with_it() -> None:
    bad = "Nhiệt độ\t44.9\toC\t20260325000500\t00".encode().replace("ệ".encode(), b"\xea")

    parsed = read(b"\r\n".join([NO.encode(), bad, CO.encode(), b""]))

    assert parameters(parsed) == ["NO", "CO"]
    assert reasons(parsed) == [(2, "not-utf8")]
    assert parsed.rejects[0].text == "Nhi\ufffdt độ\t44.9\toC\t20260325000500\t00"


def test_a_file_of_one_undecodable_line_still_names_the_line() -> None:
    assert reasons(read(b"Nhi\xeat\t44.9\toC\t20260325000500\t00\r\n")) == [(1, "not-utf8")]


@pytest.mark.parametrize(
    "content",
    [
        f"{NO}\r\n{CO}\x1a",
        f"{NO}\r\n{CO}\r\n\x1a",
        f"{NO}\x1a\r\n{CO}\x1a\r\n\x1a\x1a\x1a",
        f"\x02{NO}\x03\r\n\x02{CO}\x03\r\n",
        f"\x02\r\n{NO}\r\n{CO}\r\n\x03",
        f"{NO}\r\n{CO}\r\n" + "\0" * 512,
        f"{NO}\r\n" + "\0" * 64 + f"{CO}\r\n",
        f"{NO}\r\n{CO}\r\n".replace("\t", "\0\0\t\0"),
        f"{NO}\r\n{CO}\r\n".replace("\t", " \0\t"),
        f"\x07{NO}\r\n\x1b{CO}\r\n\x7f",
        f"\x1b[2J\x1b[1;1H{NO}\r\n{CO}\x1b[0m\r\n",
        f"{NO}\x0c\r\n\x0b{CO}\x00\x7f\r\n",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_control_bytes_around_data_are_no_data(content: str, codec: str) -> None:
    parsed = read(content.encode(codec))

    readings, plain = parsed.readings, read(f"{NO}\r\n{CO}\r\n".encode()).readings
    readings.line = plain.line  # a frame may take a line of its own
    assert readings == plain
    assert parsed.rejects == []


@pytest.mark.parametrize("byte", [*range(9), 11, 12, *range(14, 32), 127])
def test_every_control_byte_is_known(byte: int) -> None:
    around = read(f"{chr(byte)}{NO}{chr(byte)}\r\n{CO}\r\n".encode())
    within = read(f"{NO}\r\nC{chr(byte)}O\t1\tug/m3\t20260325000500\t00\r\n".encode())

    assert (parameters(around), around.rejects) == (["NO", "CO"], [])
    assert (parameters(within), reasons(within)) == (["NO"], [(2, "not-text")])


@pytest.mark.parametrize(
    "line",
    [
        "C\0O\t3087.03\tug/m3\t20260325000500\t00",
        "CO\t30\x1a87.03\tug/m3\t20260325000500\t00",
        "CO\t3087.03\tug/m3\t20260325000500\t00\x035F",
        "\x1b@CO\t3087.03\tug/m3\t20260325000500\t00",
        "\x1b[12",
    ],
)
def test_a_control_byte_among_data_is_a_reject_of_that_line_and_never_a_new_name_or_status(line: str) -> None:
    parsed = read(f"{NO}\r\n{line}\r\n{line}\r\n{line}\r\n".encode())

    assert parameters(parsed) == ["NO"]
    assert reasons(parsed) == [(number, "not-text") for number in (2, 3, 4)]
    assert parsed.rejects[0].text == line


def test_lines_that_a_registry_could_answer_are_not_hidden_by_lines_that_are_no_text() -> None:
    parsed = read(b"NO\t1\tfurlong\t20260325000500\t00\r\nC\0O\t1\r\nC\0O\t1\r\n")

    assert reasons(parsed) == [(1, "unknown-unit"), (2, "not-text"), (3, "not-text")]


@pytest.mark.parametrize(
    "content",
    [
        bytes(1000),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
        "NO\t0.50\tug/m3\t20260325000500\t00\r\n".encode("utf-16-le"),
        bytes(range(128, 256)) * 20,
    ],
)
def test_binary_content_is_refused_whole(content: bytes) -> None:
    assert reasons(read(content)) == [(0, "not-text")]


@pytest.mark.parametrize(
    "rest",
    [
        "CO",
        "CO\t30",
        "CO\t3087.03\tug",
        "CO\t3087.03\tug/m3\t",
        "CO\t3087.03\tug/m3\t20260325",
        "CO\t3087.03\tug/m3\t2026032500050",
        "CO\t3087.03\tug/m3\t202603250005",
        "CO\t3087.03\tug/m3\t20260325000500",
        "CO\t3087.03\tug/m3\t20260325000500\t",
        "CO\t3087.03\tug/m3\t20260325000500\t0",
    ],
)
def test_a_cut_last_line_is_rejected_and_the_good_lines_stay(rest: str) -> None:
    parsed = read(f"{NO}\r\n{rest}".encode())

    assert parameters(parsed) == ["NO"]
    assert reasons(parsed) == [(2, "truncated-line")]
    assert parsed.rejects[0].text == rest


@pytest.mark.parametrize("rest", ["NO\t0.5", "NO\t0.50\tug/m3\t202603250005", NO[:-1]])
def test_a_single_line_that_breaks_off_is_rejected(rest: str) -> None:
    assert reasons(read(rest.encode())) == [(1, "truncated-line")]


def test_a_cut_unit_column_is_not_taken_for_the_order_without_unit() -> None:
    parsed = read(b"20260325000500\tNO\t0.50\tug/m3\r\n20260325000500\tCO\t30")

    assert reasons(parsed) == [(2, "truncated-line")]


def test_a_last_line_in_an_order_without_status_may_lack_its_line_end() -> None:
    parsed = read(b"20260325000500\tNO\t0.50\r\n20260325000500\tCO\t30")

    assert parameters(parsed) == ["NO", "CO"]
    assert parsed.rejects == []


def test_at_most_a_thousand_rejects_are_listed_and_good_lines_after_them_are_read() -> None:
    parsed = read(f"{NO}\n".encode() + b"x\ty\n" * 1500 + f"{CO}\n".encode())

    assert parameters(parsed) == ["NO", "CO"]
    assert len(parsed.rejects) == 1001
    assert reasons(parsed)[-1] == (0, "too-many-rejects")
    assert parsed.rejects[-1].detail == "500 more line(s) gave no reading and are not listed."


def test_a_long_line_is_cut_in_its_reject() -> None:
    parsed = read(f"{NO}\n{'x' * 10_000}\n".encode())

    assert len(parsed.rejects[0].text) == 500


@pytest.mark.parametrize(
    ("content", "last"),
    [
        (random.Random(1).randbytes(10_000_000), "not-text"),
        (bytes(10_000_000), "not-text"),
        (b"a\tb\tc\td\n" * 1_250_000, "too-many-rejects"),
        (b"\t" * 10_000_000, "empty-file"),
        (b"x\t" * 5_000_000, "truncated-line"),
    ],
    ids=["random", "nul", "lines", "tabs", "columns"],
)
def test_ten_megabytes_of_garbage_give_few_rejects(content: bytes, last: str) -> None:
    parsed = read(content)

    assert not parsed.readings
    assert len(parsed.rejects) <= 1001
    assert parsed.rejects[-1].reason == last


def test_every_line_of_a_given_up_file_is_accounted_for() -> None:
    parsed = read(b"a\tb\tc\td\n" * 50_000)

    assert parsed.rejects[-1].detail == "49000 more line(s) gave no reading and are not listed."


def test_every_reason_has_a_sentence() -> None:
    assert set(REASONS) == set(Reason)


@given(st.binary(), st.text())
def test_no_bytes_and_no_name_raise(content: bytes, name: str) -> None:
    parsed = read(content, name)

    assert parsed.readings or parsed.rejects


COLUMN = st.sampled_from(
    [
        "NO",
        "Nhiệt độ",
        "12.5",
        "-1,6",
        "1e999",
        "ug/m3",
        "",
        " ",
        "---",
        "20260325000500",
        "00010101000000",
        "00",
    ]
) | st.text(max_size=4)
LINE = st.lists(COLUMN, max_size=7).flatmap(
    lambda columns: st.sampled_from(["\t", " "]).map(lambda s: s.join(columns))
)


@given(
    st.lists(LINE, max_size=6), st.sampled_from(["\r\n", "\n", "\r"]), st.sampled_from(["utf-8", "utf-16"])
)
def test_no_line_of_a_file_vanishes(lines: list[str], end: str, encoding: str) -> None:
    content = end.join(lines).encode(encoding, "surrogatepass")

    parsed = read(content)

    assert parsed.readings or parsed.rejects
    assert all(reading.value == reading.value for reading in parsed.readings)
    assert read(content) == parsed


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("HN_BKHN_KHIKXQ_20260325000500.txt", b"", datetime(2026, 3, 24, 17, 5, tzinfo=UTC)),
        ("HN_BKHN_KHIKXQ_20260324240000.txt", b"", datetime(2026, 3, 24, 17, tzinfo=UTC)),
        ("2026/03/25/HN_GP_202603250005.txt", b"", datetime(2026, 3, 24, 17, 5, tzinfo=UTC)),
        (
            "01_06_2023 00_06.lsi",
            b"HN_GP\t\r\npH\t7\t\t20230601000600\t00\r\n",
            datetime(2023, 5, 31, 17, 6, tzinfo=UTC),
        ),
        ("a.txt", b"20260325000500\tpH\t7\r\n", datetime(2026, 3, 24, 17, 5, tzinfo=UTC)),
        ("HN_20261399000000.txt", b"\xff\xd8\xff\xe0\0\x10JFIF", None),
        ("a.txt", b"", None),
    ],
)
def test_a_file_tells_its_time_by_its_name_or_else_by_its_first_line(
    name: str, content: bytes, expected: datetime | None
) -> None:
    assert file_time(name, content) == expected


def test_every_reason_has_its_advice() -> None:
    assert set(ADVICE) == set(REASONS) == set(Reason)
