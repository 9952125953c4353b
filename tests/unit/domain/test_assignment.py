import pytest

from quantrac.domain.assignment import assign_station, match_stations
from quantrac.testing.builders import station

BKHN = station("HN_BKHN_KHIKXQ", aliases=["BKHN-OLD"])
GP = station("HN_GP", aliases=["GLHN_KHINVC"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("HN_BKHN_KHIKXQ_20260325000500.txt", "HN_BKHN_KHIKXQ"),
        ("hn_bkhn_khikxq_20260325000500.TXT", "HN_BKHN_KHIKXQ"),
        ("HN_GP_202603250005.txt", "HN_GP"),
        ("GLHN_KHINVC_20260325000500.txt", "HN_GP"),
        ("BKHN-OLD_20260325000500.txt", "HN_BKHN_KHIKXQ"),
    ],
)
def test_the_code_or_alias_that_the_name_states_decides(name: str, code: str) -> None:
    assert assign_station(name, [BKHN, GP]) == {"HN_BKHN_KHIKXQ": BKHN, "HN_GP": GP}[code]


def test_a_code_standing_elsewhere_in_the_name_is_found() -> None:
    assert assign_station("backup of HN_GP 25-03.txt", [BKHN, GP]) == GP
    assert assign_station("TNMT_HN_BKHN_KHIKXQ_20260325000500.txt", [BKHN, GP]) == BKHN


def test_the_longest_code_in_the_name_wins() -> None:
    longer = station("HN_GP_KHI")
    assert assign_station("copy HN_GP_KHI.txt", [GP, longer]) == longer


def test_a_code_is_a_whole_word() -> None:
    assert assign_station("HN_GP2_20260325000500.txt", [GP]) is None
    assert assign_station("XHN_GP.txt", [GP, BKHN]) is None


def test_a_free_name_belongs_to_the_only_station_of_the_account() -> None:
    assert assign_station("01_06_2023 00_06.lsi", [GP]) == GP


def test_a_free_name_of_an_account_with_two_stations_is_not_guessed() -> None:
    assert assign_station("01_06_2023 00_06.lsi", [GP, BKHN]) is None


def test_a_name_stating_another_code_is_not_taken_for_the_only_station() -> None:
    assert assign_station("LSOS_KHIKHO_20260325000500.txt", [GP]) is None


def test_an_account_without_stations_sends_for_none() -> None:
    assert assign_station("HN_GP_20260325000500.txt", []) is None


def test_a_station_folder_is_trusted_more_than_the_name() -> None:
    found = assign_station("HN_GP_20260325000500.txt", [BKHN, GP], "/HN_BKHN_KHIKXQ/2026/03/25")
    assert found == BKHN
    assert assign_station("01_06_2023 00_06.lsi", [BKHN, GP], "bkhn-old\\Nam 2026\\thang 03\\ngay 25") == BKHN
    assert assign_station("x.txt", [BKHN, GP], "/HN_GP/HN_BKHN_KHIKXQ") == BKHN, "the nearest folder"


def test_a_folder_that_only_holds_a_code_says_nothing() -> None:
    assert match_stations("x.txt", [BKHN, GP], "/old HN_GP files") == ()


PUMP = station("HN_PUMP", file_patterns=["Tram bom 2", "TB2-*.lsi"])


@pytest.mark.parametrize("name", ["tram BOM 2 01_06_2023.lsi", "TB2-0106.lsi"])
def test_a_registered_pattern_meets_a_free_name(name: str) -> None:
    assert assign_station(name, [GP, PUMP]) == PUMP


def test_a_code_in_the_name_is_trusted_more_than_a_pattern() -> None:
    assert assign_station("HN_GP Tram bom 2.txt", [GP, PUMP]) == GP


def test_a_name_that_fits_patterns_of_two_stations_is_ambiguous() -> None:
    other = station("HN_OTHER", file_patterns=["bom"])
    assert match_stations("Tram bom 2.txt", [PUMP, other]) == (PUMP, other)
    assert assign_station("Tram bom 2.txt", [PUMP, other]) is None


def test_an_alias_that_two_stations_bear_is_ambiguous() -> None:
    twin = station("HN_TWIN", aliases=["BKHN-OLD"])
    assert match_stations("BKHN-OLD_20260325000500.txt", [BKHN, twin]) == (BKHN, twin)


@pytest.mark.parametrize(
    "name", ["ÐB_MT_KHI_20260325000500.txt", "copy of đb_mt_khi.txt", "ĐB\u200b_MT_KHI.lsi"]
)
def test_a_code_that_looks_the_same_is_the_stations(name: str) -> None:
    border = station("ĐB_MT_KHI")
    assert assign_station(name, [border, GP]) == border
    assert assign_station("x.txt", [border, GP], "/ðb_mt_khi/2026/03/25") == border


def test_a_pattern_meets_a_name_that_looks_the_same_and_keeps_its_blanks() -> None:
    first = station("HN_ONE", file_patterns=["Trạm Hoà Lạc 1 "])
    assert assign_station("trạm hòa lạc 1 0106.lsi", [first, GP]) == first
    assert match_stations("Trạm Hoà Lạc 12.lsi", [first, GP]) == ()
