from pathlib import Path

import pytest

from quantrac.io.settings import load
from services.receiver.config import IntakeSettings

pytestmark = pytest.mark.unit


def test_only_the_spool_folder_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "/var/spool/quantrac")
    settings = load(IntakeSettings)
    assert settings.spool == Path("/var/spool/quantrac")
    assert (settings.ftp_port, settings.http_port, settings.max_file_bytes) == (2121, 8021, 1048576)
    assert settings.passive_ports is None


def test_a_missing_spool_folder_stops_the_start_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUANTRAC_SPOOL", raising=False)
    with pytest.raises(SystemExit, match="QUANTRAC_SPOOL is not set"):
        load(IntakeSettings)


def test_passive_ports_are_a_range_with_both_ends() -> None:
    settings = IntakeSettings(spool=Path("x"), ftp_passive_ports="60000-60001")
    assert settings.passive_ports == range(60000, 60002)


@pytest.mark.parametrize("text", ["60000", "60001-60000", "0-10", "1-70000", "a-b", "-"])
def test_bad_passive_ports_are_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("QUANTRAC_SPOOL", "x")
    monkeypatch.setenv("QUANTRAC_FTP_PASSIVE_PORTS", text)
    with pytest.raises(SystemExit, match=r"QUANTRAC_FTP_PASSIVE_PORTS: .*is not first-last"):
        load(IntakeSettings)
