"""Keys for the REST API: ``qk_<id>_<secret>``, of which only the secret's SHA-256 is ever stored.

The secret is 256 random bits, so it needs no slow hash; the id is public and names the key in lists and logs.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import date, datetime

from pydantic import ValidationError

from quantrac.domain.registry import api_keys as domain
from quantrac.errors import UserError
from schemas.messages.registry.api_keys import ApiKey
from schemas.validation_errors import first_problem

_TOKEN = re.compile(r"qk_([a-z0-9]{8,32})_([0-9a-f]{64})", re.ASCII)
_PROVINCE = re.compile(r"\d{2}", re.ASCII)


def new_key(
    owner: str,
    *,
    provinces: Iterable[str] = (),
    stations: Iterable[str] = (),
    accounts: Iterable[str] = (),
    valid_to: datetime | date | None = None,
) -> tuple[str, ApiKey]:
    """Make a key: the token to hand over once, and the record to keep; raises as :func:`key_record` does."""
    token = f"qk_{secrets.token_hex(6)}_{secrets.token_hex(32)}"
    scope = {"provinces": provinces, "stations": stations, "accounts": accounts}
    return token, key_record(token, owner, **scope, valid_to=valid_to)


def key_record(
    token: str,
    owner: str,
    *,
    provinces: Iterable[str] = (),
    stations: Iterable[str] = (),
    accounts: Iterable[str] = (),
    valid_to: datetime | date | None = None,
) -> ApiKey:
    """Return the record to keep of a token.

    ``provinces``, or ``stations`` (codes) and ``accounts`` (of loggers), are all that it may read; without
    any of them it reads everything. ``valid_to`` is exclusive; a date means midnight in Vietnam.
    Raises ``UserError`` for a malformed token, an empty owner or a province code that is not two digits.
    """
    parts, provinces = parse_token(token), tuple(provinces)
    if parts is None:
        raise UserError("a key is written qk_<id>_<secret>")
    if not owner.strip():
        raise UserError("a key needs an owner")
    for code in provinces:
        if not _PROVINCE.fullmatch(code):
            raise UserError(f"province code {code!r} is not two digits")
    fields = {"id": parts[0], "owner": owner.strip(), "secret_sha256": _sha256(parts[1])}
    try:
        scope = {"provinces": provinces, "stations": tuple(stations), "accounts": tuple(accounts)}
        return ApiKey.model_validate({**fields, **scope, "valid_to": valid_to})
    except ValidationError as error:
        raise UserError(first_problem(error, ApiKey)) from error


def parse_token(token: str) -> tuple[str, str] | None:
    """Return (id, secret) of a token, or ``None`` where it is not written like one.

    >>> parse_token("qk_ab12cd34_" + "0" * 64)[0]
    'ab12cd34'
    """
    match = _TOKEN.fullmatch(token)
    return (match[1], match[2]) if match else None


def matches(token: str, key: domain.ApiKey) -> bool:
    """Tell whether a token belongs to a key, in a time that does not depend on how nearly it does."""
    parts = parse_token(token)
    return (
        parts is not None and parts[0] == key.id and hmac.compare_digest(_sha256(parts[1]), key.secret_sha256)
    )


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
