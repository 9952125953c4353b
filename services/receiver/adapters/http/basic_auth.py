"""HTTP Basic authentication (RFC 7617), or a client's certificate, against the registry's accounts."""

import asyncio
import logging
import math
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.requests import HTTPConnection

from quantrac.domain.registry.accounts import Account
from quantrac.io.http_guard import mark_authenticated
from quantrac.io.tls import client_fingerprint
from services.receiver.access.gate import Reason, Refusal
from services.receiver.access.logins import Logins
from services.receiver.adapters.http.app import Problem

log = logging.getLogger(__name__)


class _Utf8Basic(HTTPBasic):
    """The scheme with the character set that its challenge names; the library knows ASCII only."""

    async def __call__(  # type: ignore[override]  # HTTPBasic's own differs from its base too
        self, request: HTTPConnection
    ) -> HTTPBasicCredentials | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            name, colon, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return None
        if scheme.lower() != "basic" or not colon:
            return None
        return HTTPBasicCredentials(username=name, password=password)


_scheme = _Utf8Basic(
    realm="quantrac",
    scheme_name="Basic",
    description="Name and password of an account of the registry, in UTF-8.",
)

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="quantrac", charset="UTF-8"'}

Credentials = Annotated[HTTPBasicCredentials | None, Depends(_scheme)]


class BasicAuth:
    """A dependency that gives a route the account of its caller, whose connections count the request.

    Used as ``Depends(BasicAuth(logins, "station"))``. A request without a name and a password is that of the
    account whose certificate its connection has shown, where the door asks for certificates. Answers 401 when
    the account is unknown or the password wrong, 403 when the account has another role, and 429 when it has
    to come later.
    """

    def __init__(self, logins: Logins, role: Literal["station", "province"]) -> None:
        self._logins, self._role = logins, role

    async def __call__(self, request: Request, credentials: Credentials) -> AsyncIterator[Account]:
        """Yield the caller's account; raises :class:`Problem`."""
        address = request.client.host if request.client else ""
        if refusal := self._logins.gate.may_connect(address):
            raise refusal_problem(refusal)
        account = await self._account(credentials, request, address)
        mark_authenticated(request.scope)
        request.state.account = account.name
        if account.role != self._role:
            raise Problem(403, f"this address is for {self._role} accounts; {account.name} is {account.role}")
        if refusal := self._logins.gate.enter(account.name):
            raise refusal_problem(refusal)
        try:
            yield account
        finally:
            self._logins.gate.leave(account.name)

    async def _account(
        self, credentials: HTTPBasicCredentials | None, request: Request, address: str
    ) -> Account:
        certificate = client_fingerprint(request.scope)
        answer: Account | Refusal
        if credentials is not None:
            name = credentials.username
            answer = await asyncio.wrap_future(self._logins.submit(name, credentials.password, address))
        elif certificate:
            name = "a certificate"
            answer = self._logins.gate.login_with_certificate(certificate, address)
        else:
            raise refusal_problem(Refusal(Reason.CREDENTIALS))
        if isinstance(answer, Refusal):
            log.warning("login of %r from %s refused: %s", name, address, answer)
            raise refusal_problem(answer)
        return answer


def refusal_problem(refusal: Refusal) -> Problem:
    """Return the HTTP answer to a refusal: 401 with a challenge, or 429."""
    headers = {"Retry-After": str(math.ceil(refusal.retry_after))} if refusal.retry_after else {}
    if refusal.reason is Reason.CREDENTIALS:
        return Problem(401, refusal.reason, headers={**_CHALLENGE, **headers})
    return Problem(429, refusal.reason, headers=headers)
