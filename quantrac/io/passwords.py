"""Passwords as argon2id hashes, through argon2-cffi."""

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_verifier = PasswordHasher()  # verifies with the parameters that stand in the hash


def hash_password(password: str, *, memory_kib: int = 19_456, passes: int = 2) -> str:
    """Hash a password into argon2id's standard text form.

    The defaults are OWASP's first choice for argon2id (19 MiB, two passes, one lane): some 15 ms a check.
    """
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
    return hasher.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Tell whether ``password`` belongs to ``password_hash``; a malformed hash belongs to none."""
    try:
        return _verifier.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
