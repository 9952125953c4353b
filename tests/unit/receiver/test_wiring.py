"""Which roles of the receiver a tier may run; refused before any client is built."""

from pathlib import Path

import pytest

from services.receiver.wiring import deliveries, intake


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
