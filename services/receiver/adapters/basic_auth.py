"""HTTP Basic authentication (RFC 7617) against the registry's accounts."""

from typing import Annotated, Literal

from fastapi import Depends
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from quantrac.domain.stations import Account
from services.receiver.adapters.http import Problem
from services.receiver.authentication import Authenticator

_scheme = HTTPBasic(auto_error=False, realm="quantrac")

Credentials = Annotated[HTTPBasicCredentials | None, Depends(_scheme)]


class BasicAuth:
    """A dependency that gives a route the account of its caller.

    Used as ``Depends(BasicAuth(authenticator, "station"))``. Answers 401 when the account is unknown or the
    password wrong, and 403 when the account has another role.
    """

    def __init__(self, authenticator: Authenticator, role: Literal["station", "province"]) -> None:
        self._authenticator, self._role = authenticator, role

    # Not async: the password check may take 15 ms, and FastAPI runs a plain function in a worker thread.
    def __call__(self, credentials: Credentials) -> Account:
        """Return the caller's account; raises :class:`Problem`."""
        account = credentials and self._authenticator.authenticate(credentials.username, credentials.password)
        if not account:
            challenge = {"WWW-Authenticate": 'Basic realm="quantrac", charset="UTF-8"'}
            raise Problem(401, "unknown account or wrong password", headers=challenge)
        if account.role != self._role:
            raise Problem(403, f"this address is for {self._role} accounts; {account.name} is {account.role}")
        return account
