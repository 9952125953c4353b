import pytest

from quantrac.domain.file_names import check_file_name, check_folder
from quantrac.domain.plain_text import escape, has_control
from quantrac.testing.builders import account
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.registry.stations import Station

CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u061c\u200e\u200f\u2028\u2029"]
CONTROLS += [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\udcff"]


@pytest.mark.parametrize(
    "name", ["a.txt", ".hidden", "...", "dữ liệu ngày 25.txt", "ă" * 127 + "a", "测站.txt", "a\\b", "😀.txt"]
)
def test_a_name_of_plain_text_is_taken(name):
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is empty"),
        (".", "it means a folder"),
        ("..", "it means a folder"),
        ("a/b", "it holds a slash"),
        ("ă" * 128, "it is longer than 255 bytes"),
        ("caf\ufffd.txt", "or is not UTF-8"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_reason(name, why):
    with pytest.raises(ValueError, match=why):
        check_file_name(name)


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_every_control_character_is_refused_and_escaped(control):
    with pytest.raises(ValueError, match="control character") as refused:
        check_file_name(f"a{control}b")
    assert str(refused.value).isprintable()
    assert has_control(control)
    assert escape(f"a{control}b").isprintable()


def test_each_folder_of_a_path_follows_the_rule_of_names():
    assert check_folder("/") == "/"
    assert check_folder("Năm 2026/tháng 03") == "Năm 2026/tháng 03"
    for path in ("/a//b", "/a/../b", "a/\x1b[2J/b", f"/{'a' * 256}"):
        with pytest.raises(ValueError, match="cannot be kept"):
            check_folder(path)


@pytest.mark.parametrize("field", ["name", "path"])
def test_the_contract_of_raw_files_holds_the_rule(field):
    headers = {
        "file_id": b"0" * 64,
        "name": b"a.txt",
        "path": b"/2026",
        "account": b"bkhn",
        "transport": b"http",
        "received_at": b"2026-03-25T00:05:00Z",
        "traceparent": b"00",
    }
    assert RawFileHeaders.from_headers(headers).name == "a.txt"
    with pytest.raises(ValueError, match="cannot be kept"):
        RawFileHeaders.from_headers(headers | {field: b"a\x1b[2Jb"})


@pytest.mark.parametrize("field", ["code", "name", "name_en"])
def test_the_registry_takes_no_control_characters_in_a_station(field):
    station = {"code": "HN_1", "name": "Trạm 1", "type": "ambient-air", "province": "01"}
    station |= {"latitude": 21.0, "longitude": 105.8}
    assert Station.model_validate(station).code == "HN_1"
    for control in ("\x1b", "\x9b", "\u202e", "\n"):
        with pytest.raises(ValueError, match=field):
            Station.model_validate(station | {field: f"A{control}B"})


def test_accounts_are_named_by_letters_digits_and_three_signs():
    from schemas.messages.registry.accounts import Account

    fields = {"name": "bkhn", "password_hash": account().password_hash}
    assert Account.model_validate(fields).name == "bkhn"
    for name in ("a\x1b", "a\n", "..", "a/b", ""):
        with pytest.raises(ValueError, match="name"):
            Account.model_validate(fields | {"name": name})
