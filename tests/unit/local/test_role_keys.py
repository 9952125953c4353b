"""Keys of receipts are looked at before anything starts."""

from pathlib import Path

import pytest

from quantrac.io.signing_keys import rotate_keys
from services.settings import role_problems


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "TIER": "province",
        "KAFKA": "127.0.0.1:9",
        "SPOOL": str(tmp_path),
        "MINISTRY_URL": "https://ministry.example",
        "MINISTRY_ACCOUNT": "hanoi",
        "MINISTRY_PASSWORD": "secret",
        "FORWARDER_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"QUANTRAC_{name}", value)


def test_a_file_that_holds_no_keys_of_the_ministry_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text("{}")
    monkeypatch.setenv("QUANTRAC_MINISTRY_KEYS", str(tmp_path / "keys.json"))
    (problem,) = role_problems("forwarder.forward")
    assert problem[0] == "QUANTRAC_MINISTRY_KEYS"
    assert problem[1].startswith("not a JWK Set")


def test_a_folder_without_keys_that_sign_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setenv("QUANTRAC_RECEIPT_KEYS", str(folder))
    assert list(role_problems("receiver.deliveries")) == [
        ("QUANTRAC_RECEIPT_KEYS", f"{folder} has no private key (*.pem)")
    ]
    rotate_keys(folder)
    assert list(role_problems("receiver.deliveries")) == []
