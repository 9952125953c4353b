"""Checks names and passwords, for every door."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.io.passwords import hash_password, verify_password
from services.receiver.access.verified_passwords import VerifiedPasswords

NOBODY = ""
"""A name that no account has."""


class Authenticator:
    """Checks names and passwords against the registry as it stands now.

    Two thousand loggers log in at the same second every five minutes, so a password once verified is
    remembered, as a keyed hash bound to the password hash in the registry. A changed password there therefore
    takes effect at once.
    """

    def __init__(
        self, registry: Registry, clock: Callable[[], datetime], passwords: VerifiedPasswords | None = None
    ) -> None:
        self._registry, self._clock = registry, clock
        self._verified = passwords or VerifiedPasswords()
        # Verified for unknown names, so that the time of the answer does not tell which names exist.
        self._nobody = hash_password(secrets.token_hex(16))

    def authenticate(self, name: str, password: str) -> Account | None:
        """Return the account valid now, or ``None``; takes some 15 ms unless the password is remembered."""
        account = self._registry.account(name, self._clock())
        if account is not None and self._remembers(account, password):
            return account
        if not verify_password(account.password_hash if account else self._nobody, password):
            return None
        if account is not None:
            self._verified.put(name, self._proof(account, password))
        return account

    def remembers(self, name: str, password: str) -> bool:
        """Tell whether :meth:`authenticate` would answer without the slow check."""
        account = self._registry.account(name, self._clock())
        return account is not None and self._remembers(account, password)

    def _remembers(self, account: Account, password: str) -> bool:
        return hmac.compare_digest(self._verified.get(account.name), self._proof(account, password))

    def _proof(self, account: Account, password: str) -> bytes:
        message = f"{account.password_hash}\0{password}".encode()
        return hmac.digest(self._verified.key, message, hashlib.sha256)
