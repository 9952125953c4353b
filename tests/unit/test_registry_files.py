"""What a registry folder may hold, and the sentence a mistake gives."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.messages.registry import Account, Station
from schemas.registry import apply_record, load_directory, record_key, to_registry

pytestmark = pytest.mark.unit

STATION = """
stations:
  - code: HN_DEMO_KHI001
    name: Trạm không khí
    type: ambient-air
    province: "01"
    latitude: 21.0
    longitude: 105.8
    interval_minutes: 5
    valid_from: 2024-01-01
    parameters:
      - {code: PM2.5, unit: µg/m3, range_low: 0, range_high: 150}
"""
ACCOUNT = """
accounts:
  - name: demo
    password_hash: $argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA
    stations: [HN_DEMO_KHI001]
"""


def load(folder: Path, **files: str) -> list[object]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return list(load_directory(folder))


def test_stations_and_accounts_are_read_from_every_file(tmp_path: Path) -> None:
    account, station = load(tmp_path, stations=STATION, accounts=ACCOUNT)
    assert isinstance(account, Account)
    assert isinstance(station, Station)
    assert (record_key(account), record_key(station)) == (b"account/demo", b"station/HN_DEMO_KHI001")


def test_a_date_means_midnight_in_vietnam(tmp_path: Path) -> None:
    (station,) = load(tmp_path, stations=STATION)
    assert isinstance(station, Station)
    assert station.to_domain().valid_from == datetime(2023, 12, 31, 17, tzinfo=UTC)
    assert station.to_domain().interval_seconds == 300


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("interval_minutes", "intervall_minutes"), "did you mean 'interval_minutes'?"),
        (("range_high", "range_hihg"), "did you mean 'range_high'?"),
        (("stations:", "station:"), "unknown key 'station'; did you mean 'stations'?"),
        (("ambient-air", "ambient"), "type"),
        (("latitude: 21.0", "latitude: 210"), "latitude"),
        (("range_high: 150", "range_high: -1"), "range_low must lie below range_high"),
        (('province: "01"', "province: HN"), "province"),
        (("2024-01-01", "2024-01-01\n    timezone: Asia/Hanoi"), "'Asia/Hanoi' is not a time zone"),
        (("stations:", "stations: ["), "not readable as YAML"),
    ],
)
def test_a_mistake_gives_one_sentence_with_file_place_and_key(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"hanoi\.yaml") as caught:
        load(tmp_path, hanoi=STATION.replace(*wrong))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_says_which_entry_it_is_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"stations\[1\] HN_DEMO_KHI001: parameters\.1\.unti: unknown key"):
        load(tmp_path, hanoi=STATION.replace("unit:", "unti:"))


def test_an_account_for_a_station_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="account/demo: station 'HN_DEMO_KHI001' is not defined"):
        load(tmp_path, accounts=ACCOUNT)


def test_a_record_defined_twice_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="station/HN_DEMO_KHI001 is defined twice"):
        load(tmp_path, a=STATION, b=STATION)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \*\.yaml file"):
        load_directory(tmp_path)


def test_the_registry_follows_its_topic(tmp_path: Path) -> None:
    registry = to_registry(load_directory(_written(tmp_path)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    station = registry.station("HN_DEMO_KHI001", at)
    assert station is not None
    assert station.parameter("PM2.5", at) is not None
    assert registry.station("HN_DEMO_KHI001", datetime(2020, 1, 1, tzinfo=UTC)) is None
    apply_record(registry, b"station/HN_DEMO_KHI001", None)
    assert registry.station("HN_DEMO_KHI001", at) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"stations/X", b"{}"),
        (b"station/", b"{}"),
        (b"station/X", b"{}"),
        (b"\xff", b"{}"),
        (b"account/x", b""),
    ],
)
def test_a_record_that_is_none_is_an_error_and_changes_nothing(
    tmp_path: Path, key: bytes, value: bytes
) -> None:
    registry = to_registry(load_directory(_written(tmp_path)))
    with pytest.raises(ValueError):
        apply_record(registry, key, value)
    assert list(registry.stations) == ["HN_DEMO_KHI001"]


def _written(folder: Path) -> Path:
    (folder / "hanoi.yaml").write_text(STATION + ACCOUNT, encoding="utf-8")
    return folder
