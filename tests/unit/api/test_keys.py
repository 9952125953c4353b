"""Keys of the REST API: what a token is, whom it belongs to, and what it lets its bearer see."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from quantrac.domain.registry.registry import Registry
from quantrac.testing.builders import NOON, station
from schemas.keys import matches, new_key, parse_token
from services.api.common.keys import Reader, authenticate
from services.api.common.problems import Unauthorized, UnknownStation

HANOI, DANANG = station(), station("DN_HC_NMCLT", province="48")
STATIONS = {s.code: s for s in (HANOI, DANANG)}


def test_a_new_key_keeps_the_hash_of_its_secret_only() -> None:
    token, key = new_key(" Sở TNMT Hà Nội ", provinces=["01"], valid_to=date(2027, 1, 1))
    key_id, secret = parse_token(token) or ("", "")
    assert key_id == key.id
    assert len(secret) == 64
    assert secret not in key.model_dump_json()
    assert (key.owner, key.provinces) == ("Sở TNMT Hà Nội", ("01",))
    assert key.valid_to == datetime(2026, 12, 31, 17, tzinfo=UTC)


def test_no_two_keys_are_alike() -> None:
    tokens = {new_key("a")[0] for _ in range(50)}
    assert len(tokens) == 50


@pytest.mark.parametrize("code", ["1", "001", "Hà Nội", "", "٠١"])
def test_a_province_that_is_not_two_digits_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="is not two digits"):
        new_key("a", provinces=[code])


def test_a_key_needs_an_owner() -> None:
    with pytest.raises(ValueError, match="a key needs an owner"):
        new_key("  ")


def test_a_token_belongs_to_its_own_key_only() -> None:
    token, key = new_key("a")
    _, second_key = new_key("a")
    assert matches(token, key.to_domain())
    assert not matches(token, replace(second_key.to_domain(), id=key.id))
    assert not matches(token, replace(key.to_domain(), id="otherkey"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "qk_",
        "qk_ab12cd34",
        "qk_ab12cd34_",
        "qk_AB12CD34_" + "0" * 64,
        "qk_ab12cd34_" + "0" * 63,
        "é" * 80,
    ],
)
def test_what_is_not_written_like_a_token_is_none(token: str) -> None:
    assert parse_token(token) is None


def test_a_key_counts_within_its_validity_only() -> None:
    token, key = new_key("a", valid_to=NOON)
    registry = Registry(api_keys={key.id: key.to_domain()})
    assert authenticate(token, registry, NOON - timedelta(seconds=1)).id == key.id
    with pytest.raises(Unauthorized, match="unknown, expired or withdrawn"):
        authenticate(token, registry, NOON)


def test_a_withdrawn_key_is_refused_from_then_on() -> None:
    token, key = new_key("a")
    registry = Registry(api_keys={key.id: key.to_domain()})
    authenticate(token, registry, NOON)
    del registry.api_keys[key.id]
    with pytest.raises(Unauthorized):
        authenticate(token, registry, NOON)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_key_the_caller_is_told_how_to_send_one(token: str | None) -> None:
    with pytest.raises(Unauthorized, match="Send a key as X-Api-Key"):
        authenticate(token, Registry(), NOON)


def reader(*provinces: str) -> Reader:
    return Reader(new_key("a", provinces=provinces)[1].to_domain(), STATIONS)


def test_an_unlimited_key_reads_every_station_and_what_belongs_to_none() -> None:
    assert [s.code for s in reader().visible_stations()] == ["DN_HC_NMCLT", "HN_BKHN_KHIKXQ"]
    assert reader().can_read("")
    assert reader().scope(None) is None
    assert reader().scope("DN_HC_NMCLT") == ["DN_HC_NMCLT"]


def test_for_a_limited_key_other_provinces_do_not_exist() -> None:
    limited = reader("48")
    assert limited.station("DN_HC_NMCLT") is DANANG
    assert not limited.can_read("")
    assert limited.scope(None) == ["DN_HC_NMCLT"]
    for ask in (limited.station, limited.scope):
        with pytest.raises(UnknownStation):
            ask("HN_BKHN_KHIKXQ")


def test_a_province_narrows_what_is_read_and_widens_it_for_nobody() -> None:
    assert reader().scope(None, "48") == reader("48").scope(None, "48") == ["DN_HC_NMCLT"]
    assert reader().scope("DN_HC_NMCLT", "48") == ["DN_HC_NMCLT"]
    assert reader().scope("DN_HC_NMCLT", "01") == []
    assert reader("48").scope(None, "01") == []
    assert reader().scope(None, "99") == []


def test_a_station_that_is_not_registered_has_the_clock_of_vietnam() -> None:
    tokyo = {"A": replace(HANOI, code="A", timezone="Asia/Tokyo")}
    tokyo_reader = Reader(new_key("a")[1].to_domain(), tokyo)
    assert (tokyo_reader.zone("A").key, tokyo_reader.zone("B").key) == ("Asia/Tokyo", "Asia/Ho_Chi_Minh")


def test_a_key_of_a_province_without_stations_reads_nothing() -> None:
    assert reader("99").scope(None) == []
