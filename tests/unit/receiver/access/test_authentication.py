from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.registry.accounts import Account, PreviousPassword
from quantrac.domain.registry.registry import Registry
from quantrac.io import passwords
from quantrac.testing.builders import account, registry
from services.receiver.access import authentication
from services.receiver.access.authentication import Authenticator

NOW = datetime(2026, 3, 25, tzinfo=UTC)


class Counter:
    """Counts the slow checks, and says which hash each was for."""

    def __init__(self) -> None:
        self.hashes: list[str] = []

    def __call__(self, password_hash: str, password: str) -> bool:
        self.hashes.append(password_hash)
        return passwords.verify_password(password_hash, password)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(authentication, "verify_password", counter)
    return counter


def authenticator(station_registry: Registry, now: datetime = NOW) -> Authenticator:
    return Authenticator(station_registry, lambda: now)


def test_the_right_password_gives_the_account() -> None:
    station_registry = registry()
    assert authenticator(station_registry).authenticate("bkhn", "secret") is station_registry.accounts["bkhn"]


def test_a_wrong_password_gives_nothing() -> None:
    assert authenticator(registry()).authenticate("bkhn", "Secret") is None


def test_a_password_once_verified_is_not_checked_slowly_again(checks: Counter) -> None:
    door = authenticator(registry())
    assert not door.remembers("bkhn", "secret")
    for _ in range(3):
        assert door.authenticate("bkhn", "secret") is not None
    assert len(checks.hashes) == 1
    assert door.remembers("bkhn", "secret")


def test_a_remembered_password_does_not_let_a_wrong_one_in(checks: Counter) -> None:
    door = authenticator(registry())
    door.authenticate("bkhn", "secret")
    assert door.authenticate("bkhn", "guess") is None
    assert len(checks.hashes) == 2


def test_an_unknown_account_costs_one_slow_check_too(checks: Counter) -> None:
    assert authenticator(registry()).authenticate("nobody", "secret") is None
    assert len(checks.hashes) == 1
    assert checks.hashes[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_changed_password_takes_effect_at_once() -> None:
    station_registry = registry()
    door = authenticator(station_registry)
    assert door.authenticate("bkhn", "secret") is not None
    station_registry.accounts["bkhn"] = account(password="new")
    assert door.authenticate("bkhn", "secret") is None
    assert door.authenticate("bkhn", "new") is station_registry.accounts["bkhn"]


def test_a_removed_or_expired_account_is_out_at_once() -> None:
    station_registry = registry(accounts=[account("ended", valid_to=NOW), account("removed")])
    door = authenticator(station_registry)
    assert door.authenticate("ended", "secret") is None
    assert door.authenticate("removed", "secret") is not None
    del station_registry.accounts["removed"]
    assert door.authenticate("removed", "secret") is None


def test_a_malformed_hash_lets_nobody_in() -> None:
    assert passwords.verify_password("$argon2id$broken", "secret") is False
    assert passwords.verify_password("", "") is False


def changing_account(*, valid_to: datetime = NOW + timedelta(days=7)) -> Account:
    """Return an account whose password was ``secret`` and is ``new``."""
    previous = PreviousPassword(account().password_hash, valid_to)
    return replace(account(password="new"), previous_password=previous)


def test_both_passwords_of_an_account_count_until_the_time_of_the_old_one_is_over() -> None:
    station_registry = registry(accounts=[changing_account()])
    door = authenticator(station_registry)
    for password in ("secret", "new", "secret"):
        assert door.authenticate("bkhn", password) is station_registry.accounts["bkhn"]
    assert door.remembers("bkhn", "secret") and door.remembers("bkhn", "new")
    door._clock = lambda: NOW + timedelta(days=7)
    assert not door.remembers("bkhn", "secret")
    assert door.authenticate("bkhn", "secret") is None
    assert door.authenticate("bkhn", "new") is station_registry.accounts["bkhn"]


def test_an_old_password_that_is_retired_is_out_at_once_although_it_was_verified() -> None:
    station_registry = registry(accounts=[changing_account()])
    door = authenticator(station_registry)
    door.authenticate("bkhn", "secret")
    station_registry.accounts["bkhn"] = replace(changing_account(), previous_password=None)
    assert door.authenticate("bkhn", "secret") is None


def test_every_name_costs_as_many_slow_checks_while_one_account_changes_over(checks: Counter) -> None:
    keyless = account("keyless", password="x")
    accounts = [changing_account(), account("other"), replace(keyless, password_hash="")]
    door = authenticator(registry(accounts=accounts))
    for name in ("bkhn", "other", "keyless", "nobody"):
        checks.hashes.clear()
        assert door.authenticate(name, "guess") is None
        assert len(checks.hashes) == 2, name


def test_an_account_without_a_password_is_let_in_by_none() -> None:
    door = authenticator(registry(accounts=[replace(account(), password_hash="")]))
    assert [door.authenticate("bkhn", password) for password in ("", "secret")] == [None, None]
