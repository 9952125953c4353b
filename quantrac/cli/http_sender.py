"""Sends files over HTTP as an account, and says in a line what the receiver answered."""

from typing import Any, Self

import httpx

from quantrac.errors import UserError
from quantrac.local.simulator import NotAcknowledged

_TIMEOUT_S = 60.0
_LISTED_REJECTS = 3


class HttpSender:
    """One connection to a receiver."""

    def __init__(
        self,
        url: str,
        account: str,
        password: str,
        *,
        dry_run: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``url`` is the receiver's address, such as ``http://127.0.0.1:8021``; raises UserError."""
        try:
            self._client = httpx.Client(
                base_url=url, auth=httpx.BasicAuth(account, password), timeout=_TIMEOUT_S, transport=transport
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UserError(f"{url!r} is no address: {error}") from error
        address = self._client.base_url
        if address.scheme not in ("http", "https") or not address.host:
            raise UserError(f"{url!r} is no address that begins with http:// or https://")
        self._dry_run = dry_run

    def send(self, folder: str, name: str, content: bytes) -> str:
        """Send one file and return the answer in a line; raises :class:`NotAcknowledged`."""
        parameters = {"name": f"{folder}/{name}" if folder else name}
        if self._dry_run:
            parameters["dry_run"] = "true"
        try:
            response = self._client.post("/v1/files", params=parameters, content=content)
            answer = response.json()
            if response.is_error:
                raise NotAcknowledged(f"{response.status_code} {answer['detail']}")
            return f"{response.status_code} {_describe(answer['files'][0])}"
        except httpx.HTTPError as error:
            raise NotAcknowledged(str(error) or type(error).__name__) from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise NotAcknowledged(f"{response.status_code}, and no answer of a receiver") from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _describe(file: dict[str, Any]) -> str:
    state = "known already" if file["known"] else file["state"]
    parts = [state, f"station {file['station'] or 'unknown'}"]
    if read := file["read"]:
        rejects = read["rejects"]
        parts.append(f"{read['readings']} read, {len(rejects)} rejected")
        parts += [f"line {reject['line']}: {reject['detail']}" for reject in rejects[:_LISTED_REJECTS]]
        if len(rejects) > _LISTED_REJECTS:
            parts.append(f"and {len(rejects) - _LISTED_REJECTS} more")
    return ", ".join(parts[:3]) + "".join(f"; {part}" for part in parts[3:])
