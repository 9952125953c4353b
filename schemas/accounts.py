"""How an account's password or certificate is changed while its owner goes on sending.

The new one counts at once and the old one beside it: the owner changes over, and then the old one is retired.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from quantrac.domain.registry.registry import Registry
from quantrac.errors import UserError
from schemas.messages.registry.accounts import Account, PreviousPassword
from schemas.messages.registry.records import Record


def new_password() -> str:
    """Return a password that nobody guesses: 192 random bits in 32 letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(24)


def rotate_password(account: Account, password_hash: str, *, now: datetime, until: datetime) -> Account:
    """Return the account with a new password; the old one counts until ``until`` (UTC).

    At ``now`` or before, the old one is out at once. Raises UserError where the one before it counts still.
    """
    previous = account.previous_password
    if previous is not None and now < previous.valid_to:
        raise UserError(
            f"the password before the present one of {account.name!r} counts until "
            f"{previous.valid_to.astimezone(UTC):%Y-%m-%dT%H:%MZ}; `quantrac accounts retire` ends it first"
        )
    old = None
    if account.password_hash and until > now:
        old = PreviousPassword(password_hash=account.password_hash, valid_to=until)
    return account.model_copy(update={"password_hash": password_hash, "previous_password": old})


def add_certificate(account: Account, fingerprint: str) -> Account:
    """Return the account with one more certificate; those before count too, until they are retired."""
    earlier = (certificate for certificate in account.certificates if certificate != fingerprint)
    return account.model_copy(update={"certificates": (*earlier, fingerprint)})


def retire(account: Account, *, password: bool = False) -> Account:
    """Return the account with its newest password and its newest certificate only.

    With ``password`` it logs in by certificate only; raises UserError where it has none.
    """
    if password and not (account.certificates or account.public_keys):
        raise UserError(f"{account.name!r} has nothing but its password; add a certificate first")
    changes = {"previous_password": None, "certificates": account.certificates[-1:]}
    return account.model_copy(update=changes | ({"password_hash": None} if password else {}))


def refuse_replaced_passwords(records: Iterable[Record], registry: Registry) -> None:
    """Raise UserError where a file would put back a password that has been replaced in the registry."""
    for record in records:
        if isinstance(record, Account) and record.name in registry.accounts:
            previous = registry.accounts[record.name].previous_password
            if previous is not None and record.password_hash == previous.password_hash:
                raise UserError(
                    f"account {record.name!r}: the files hold the password that `quantrac accounts rotate` "
                    "replaced; take its entry over from `quantrac registry export --accounts --yaml FILE`"
                )
