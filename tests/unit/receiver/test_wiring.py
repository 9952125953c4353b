"""Which roles of the receiver a tier may run, and with which keys; refused before any client is built."""

from pathlib import Path

import pytest

from quantrac.io.settings import load
from quantrac.io.signing_keys import rotate_keys
from services.receiver.config import DeliveriesSettings
from services.receiver.wiring import _receipt_keys, deliveries, intake


def test_the_ministry_opens_no_door_to_stations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", str(tmp_path))
    monkeypatch.setenv("QUANTRAC_TIER", "ministry")
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_TIER: the ministry runs the role"):
        intake()


def test_a_province_takes_no_deliveries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", str(tmp_path))
    monkeypatch.setenv("QUANTRAC_TIER", "province")
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_TIER: only the ministry runs"):
        deliveries()


def test_the_first_key_of_receipts_is_made_in_the_spool_and_is_there_at_the_next_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", str(tmp_path))
    settings = load(DeliveriesSettings)
    (first,) = _receipt_keys(settings).public
    (again,) = _receipt_keys(settings).public
    assert first.id == again.id
    assert len(list((tmp_path / "receipt-keys").glob("*.pem"))) == 1


def test_a_folder_of_keys_that_somebody_named_is_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", str(tmp_path))
    monkeypatch.setenv("QUANTRAC_RECEIPT_KEYS", str(tmp_path / "keys"))
    with pytest.raises(SystemExit, match=r"^bad configuration: QUANTRAC_RECEIPT_KEYS: .*keys"):
        _receipt_keys(load(DeliveriesSettings))
    key = rotate_keys(tmp_path / "keys")
    assert [public.id for public in _receipt_keys(load(DeliveriesSettings)).public] == [key.id]
