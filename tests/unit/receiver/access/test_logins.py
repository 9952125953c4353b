"""Passwords are checked beside the doors, in few threads, and need no second check after a restart."""

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quantrac.domain.registry.accounts import Account, AccountLimits, PreviousPassword
from quantrac.domain.registry.registry import Registry
from quantrac.io import passwords
from quantrac.testing.builders import account, registry
from services.receiver.access import authentication
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate, Reason, Refusal
from services.receiver.access.logins import Logins
from services.receiver.access.verified_passwords import VerifiedPasswordFile
from support.waiting import LIMIT

ADDRESS = "203.113.4.17"


def now() -> datetime:
    return datetime(2026, 3, 25, tzinfo=UTC)


def authenticator(station_registry: Registry, folder: Path) -> Authenticator:
    return Authenticator(
        station_registry, now, VerifiedPasswordFile(folder / "logins", folder / "logins.key")
    )


class Checks:
    """The slow check, which waits until the test opens it."""

    def __init__(self) -> None:
        self.open, self.count = threading.Event(), 0

    def __call__(self, password_hash: str, password: str) -> bool:
        self.count += 1
        assert self.open.wait(LIMIT)
        return passwords.verify_password(password_hash, password)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    slow_check = Checks()
    monkeypatch.setattr(authentication, "verify_password", slow_check)
    return slow_check


@pytest.fixture
def logins(checks: Checks) -> Iterator[Logins]:
    station_registry = registry(accounts=[account(f"logger-{n}") for n in range(5)])
    gate = Gate(
        station_registry, Authenticator(station_registry, now), AccountLimits(file_bytes=1), clock=now
    )
    opened = Logins(gate, max_waiting=3)
    yield opened
    checks.open.set()
    opened.close()


def test_beyond_so_many_waiting_the_answer_is_to_come_later(logins: Logins, checks: Checks) -> None:
    waiting = [logins.submit(f"logger-{n}", "secret", ADDRESS) for n in range(3)]
    refused = logins.submit("logger-3", "secret", ADDRESS)
    assert refused.result(0) == Refusal(Reason.BUSY, 10.0)
    checks.open.set()
    assert all(isinstance(answer.result(LIMIT), Account) for answer in waiting)
    assert isinstance(logins.submit("logger-3", "secret", ADDRESS).result(LIMIT), Account)


def test_no_more_than_two_checks_run_at_once(logins: Logins, checks: Checks) -> None:
    waiting = [logins.submit(f"logger-{n}", "secret", ADDRESS) for n in range(3)]
    assert checks.count <= 2
    assert not any(answer.done() for answer in waiting)


def test_a_remembered_password_waits_behind_nobody(logins: Logins, checks: Checks) -> None:
    checks.open.set()
    logins.submit("logger-0", "secret", ADDRESS).result(LIMIT)
    checks.open.clear()
    for n in range(1, 4):
        logins.submit(f"logger-{n}", "secret", ADDRESS)
    answer = logins.submit("logger-0", "secret", ADDRESS)
    assert answer.done()
    assert isinstance(answer.result(), Account)


def test_guesses_that_wait_are_not_checked_once_their_address_is_locked_out(
    logins: Logins, checks: Checks
) -> None:
    checks.open.set()
    answers = [logins.submit("logger-0", f"guess-{n}", ADDRESS).result(LIMIT) for n in range(9)]
    assert checks.count == 5
    assert all(isinstance(answer, Refusal) and answer.reason is Reason.CREDENTIALS for answer in answers)


def test_a_verified_password_needs_no_slow_check_after_a_restart(tmp_path: Path, checks: Checks) -> None:
    checks.open.set()
    station_registry = registry()
    assert authenticator(station_registry, tmp_path).authenticate("bkhn", "secret") is not None
    restarted = authenticator(station_registry, tmp_path)
    assert restarted.authenticate("bkhn", "secret") is not None
    assert checks.count == 1
    assert not restarted.remembers("bkhn", "guess")


def test_what_is_remembered_in_the_file_ends_with_the_stored_hash(tmp_path: Path) -> None:
    station_registry = registry()
    authenticator(station_registry, tmp_path).authenticate("bkhn", "secret")
    station_registry.accounts["bkhn"] = account(password="secret")
    assert not authenticator(station_registry, tmp_path).remembers("bkhn", "secret")


def test_the_last_two_proofs_of_an_account_count_and_a_restart_drops_the_others(tmp_path: Path) -> None:
    station_registry = registry()
    for password in ("secret", "new", "newest"):
        station_registry.accounts["bkhn"] = account(password=password)
        authenticator(station_registry, tmp_path).authenticate("bkhn", password)
    assert len((tmp_path / "logins").read_bytes().splitlines()) == 3
    assert authenticator(station_registry, tmp_path).remembers("bkhn", "newest")
    assert len((tmp_path / "logins").read_bytes().splitlines()) == 2


def test_both_passwords_of_an_account_that_changes_over_are_remembered_over_a_restart(
    tmp_path: Path,
) -> None:
    changing = replace(
        account(password="new"),
        previous_password=PreviousPassword(account().password_hash, now() + timedelta(days=7)),
    )
    station_registry = registry(accounts=[changing])
    for password in ("secret", "new", "secret"):
        assert authenticator(station_registry, tmp_path).authenticate("bkhn", password) is changing
    restarted = authenticator(station_registry, tmp_path)
    assert [restarted.remembers("bkhn", password) for password in ("secret", "new", "guess")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("damage", [b"bkhn\tzz\n", b"bkhn", b"\xff\xfe\t00\n\n", b"bkhn\tabcd\n"])
def test_a_damaged_file_costs_a_check_and_nothing_else(tmp_path: Path, damage: bytes) -> None:
    station_registry = registry()
    authenticator(station_registry, tmp_path).authenticate("bkhn", "secret")
    (tmp_path / "logins").write_bytes(damage)
    restarted = authenticator(station_registry, tmp_path)
    assert not restarted.remembers("bkhn", "secret")
    assert restarted.authenticate("bkhn", "secret") is not None
    assert authenticator(station_registry, tmp_path).remembers("bkhn", "secret")


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_both_files_are_their_owners_and_a_key_that_everybody_could_read_is_replaced(tmp_path: Path) -> None:
    station_registry = registry()
    authenticator(station_registry, tmp_path).authenticate("bkhn", "secret")
    files = [tmp_path / "logins", tmp_path / "logins.key"]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    key = files[1].read_bytes()
    files[1].chmod(0o644)
    assert not authenticator(station_registry, tmp_path).remembers("bkhn", "secret")
    assert files[1].read_bytes() != key
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_a_file_that_cannot_be_written_lets_the_account_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    door = authenticator(registry(), tmp_path)
    (tmp_path / "logins").unlink()
    (tmp_path / "logins").mkdir()
    with caplog.at_level(logging.WARNING):
        assert door.authenticate("bkhn", "secret") is not None
    assert "will be checked again after a restart" in caplog.text
    assert door.remembers("bkhn", "secret")


def test_neither_file_holds_the_password(tmp_path: Path) -> None:
    authenticator(registry(), tmp_path).authenticate("bkhn", "secret")
    assert all(b"secret" not in file.read_bytes() for file in tmp_path.iterdir())
