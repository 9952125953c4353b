"""Settings of the second target: what is good, and with which sentence the rest stops the start."""

from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from quantrac.domain.readings import Flag
from quantrac.io.settings import load
from services.forwarder.files.config import Address, FileTargetSettings, parse_url


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Target":
    return Target(monkeypatch, tmp_path)


class Target:
    """The environment of a good target by FTPS, and the files that a test may name."""

    def __init__(self, environment: pytest.MonkeyPatch, folder: Path) -> None:
        self._environment = environment
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / "key")
        (folder / "hosts").write_text(f"files.example.org {key.export_public_key().decode()}")
        (folder / "password").write_text("from the file\n")
        (folder / "nonsense").write_text("nonsense\n")
        self.folder = folder
        self.set(url="ftps://files.example.org/hanoi", account="hanoi", password="secret")

    def set(self, **settings: str) -> "Target":
        for name, value in settings.items():
            text = str(self.folder / value[1:]) if value.startswith("@") else value
            self._environment.setenv(f"QUANTRAC_FILE_TARGET_{name.upper()}", text)
        return self

    def load(self) -> FileTargetSettings:
        return load(FileTargetSettings)


def test_an_address_says_how_where_and_into_which_folder() -> None:
    assert parse_url("ftp://127.0.0.1") == Address("ftp", "127.0.0.1", 21, "")
    assert parse_url("ftps://f.example.org:2121/a/b%20c/") == Address("ftps", "f.example.org", 2121, "a/b c")
    assert parse_url("sftp://f.example.org//srv/data") == Address("sftp", "f.example.org", 22, "/srv/data")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://f.example.org", "begins with none of ftp://, ftps://, sftp://"),
        ("ftps://", "is not written as ftp://HOST:PORT/FOLDER"),
        ("ftps://hanoi:secret@f.example.org", "holds an account or a password"),
        ("ftps://f.example.org:99999", "Port out of range"),
        ("ftps://f.example.org/a?b", "is not written as"),
    ],
)
def test_a_bad_address_stops_the_start(url: str, sentence: str, target: Target) -> None:
    with pytest.raises(SystemExit, match=rf"^bad configuration: QUANTRAC_FILE_TARGET_URL: .*{sentence}"):
        target.set(url=url).load()


def test_good_settings_are_read(target: Target) -> None:
    settings = target.set(password_file="@password", stations="A B", own_bytes="").load()
    assert settings.file_target_password.get_secret_value() == "from the file"
    assert settings.flags == {Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT}
    sftp = target.set(url="sftp://f.example.org", known_hosts="@hosts", key="@key", flags="good").load()
    assert (sftp.address.port, sftp.flags) == (22, {Flag.GOOD})


def test_a_key_needs_no_password(target: Target) -> None:
    settings = {"url": "sftp://f.example.org", "known_hosts": "@hosts", "key": "@key", "password": ""}
    assert target.set(**settings).load().file_target_key == target.folder / "key"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"account": ""}, "ACCOUNT: String should have at least 1 character"),
        ({"password": ""}, "PASSWORD: set it, or QUANTRAC_FILE_TARGET_PASSWORD_FILE"),
        (
            {"url": "sftp://f.example.org"},
            "KNOWN_HOSTS: without the server's key anybody could take the files; `ssh-keyscan` writes it$",
        ),
        (
            {"url": "sftp://f.example.org", "known_hosts": "@nonsense"},
            "KNOWN_HOSTS: is not a file of known hosts",
        ),
        (
            {"url": "sftp://f.example.org", "known_hosts": "@hosts", "key": "@nonsense"},
            "KEY: is not a private key without passphrase",
        ),
        ({"key": "@key"}, "KEY: is for sftp:// only"),
        ({"authorities": "@nonsense"}, "AUTHORITIES: holds no certificates in PEM form"),
        ({"authorities": "@absent"}, "AUTHORITIES: Path does not point to a file"),
        ({"url": "ftp://f.example.org"}, "ALLOW_PLAIN: ftp:// would send the password readable for all"),
        ({"flags": "good suspekt"}, "FLAGS: there is no flag 'suspekt'; did you mean 'suspect'\\?"),
        ({"order": "newest"}, "ORDER: Input should be 'time' or 'present-first'"),
        ({"since": "yesterday"}, "SINCE: "),
        ({"connections": "0"}, "CONNECTIONS: "),
    ],
)
def test_what_cannot_work_stops_the_start_with_one_sentence(
    settings: dict[str, str], sentence: str, target: Target
) -> None:
    with pytest.raises(SystemExit, match=rf"^bad configuration: QUANTRAC_FILE_TARGET_{sentence}"):
        target.set(**settings).load()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "ftp://[::1]:2121", "ftp://localhost"])
def test_on_this_machine_ftp_needs_no_tls(url: str, target: Target) -> None:
    assert target.set(url=url).load().address.is_loopback


def test_elsewhere_ftp_without_tls_is_a_decision(target: Target) -> None:
    assert target.set(url="ftp://f.example.org", allow_plain="true").load().file_target_allow_plain


def test_without_a_first_day_it_is_the_one_on_which_the_outbox_was_made(target: Target) -> None:
    creation = datetime(2026, 3, 25, 18, tzinfo=UTC)  # the 26th in Vietnam
    assert target.load().since(creation) == datetime(2026, 3, 25, 17, tzinfo=UTC)
    assert target.set(since="2026-01-01").load().since(creation) == datetime(2025, 12, 31, 17, tzinfo=UTC)
