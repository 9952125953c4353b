"""Checks names and passwords, for every door."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
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
    takes effect at once, and the one before it counts for as long as the registry says.
    """

    def __init__(
        self, registry: Registry, clock: Callable[[], datetime], passwords: VerifiedPasswords | None = None
    ) -> None:
        self._registry, self._clock = registry, clock
        self._verified = passwords or VerifiedPasswords()
        # Verified in place of the hashes that a name does not have.
        self._nobody = hash_password(secrets.token_hex(16))

    def authenticate(self, name: str, password: str) -> Account | None:
        """Return the account valid now, or ``None``; takes some 15 ms a password unless it is remembered."""
        now = self._clock()
        account = self._registry.account(name, now)
        hashes = account.password_hashes(now) if account is not None else ()
        if self._remembers(name, hashes, password):
            return account
        for password_hash in hashes:
            if verify_password(password_hash, password):
                self._verified.put(name, self._proof(password_hash, password))
                return account
        # As many slow checks for every name, or the time of a refusal would tell which there are.
        for _ in range(self._most_passwords() - len(hashes)):
            verify_password(self._nobody, password)
        return None

    def remembers(self, name: str, password: str) -> bool:
        """Tell whether :meth:`authenticate` would answer without the slow check."""
        now = self._clock()
        account = self._registry.account(name, now)
        return account is not None and self._remembers(name, account.password_hashes(now), password)

    def _remembers(self, name: str, hashes: Sequence[str], password: str) -> bool:
        proofs = self._verified.get(name)
        expected = [self._proof(password_hash, password) for password_hash in hashes] if proofs else []
        return any(hmac.compare_digest(proof, own) for proof in proofs for own in expected)

    def _most_passwords(self) -> int:
        """Return how many passwords an account may have: two while one of them changes over."""
        return 1 + any(account.previous_password for account in list(self._registry.accounts.values()))

    def _proof(self, password_hash: str, password: str) -> bytes:
        message = f"{password_hash}\0{password}".encode()
        return hmac.digest(self._verified.key, message, hashlib.sha256)
