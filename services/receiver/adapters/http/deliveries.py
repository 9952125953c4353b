"""``POST /v1/deliveries``: the door through which provinces deliver to the ministry."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from quantrac.domain.registry.accounts import Account
from schemas.messages.deliveries import Receipt
from services.receiver.adapters.http.app import PROBLEM, Problem
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.bodies import (
    check_digest,
    decode,
    read_body,
    read_content_digest,
    read_content_encoding,
)
from services.receiver.deliveries.handler import BrokerAway, DeliveryHandler, NoProvinces
from services.receiver.deliveries.judge import TooManySets

MEDIA_TYPE = "application/x-ndjson"
MAX_BYTES = 64 << 20
"""Of one body, compressed and not; a forwarder cuts at 4 MiB."""

_RETRY_AFTER_SECONDS = "5"


def deliveries_router(handler: DeliveryHandler, auth: BasicAuth, *, max_bytes: int = MAX_BYTES) -> APIRouter:
    """Build the router of the role ``deliveries``."""
    router = APIRouter()

    async def read(request: Request) -> bytes:
        return await read_body(request, MEDIA_TYPE, max_bytes)

    # The account comes first: no body is read before the password is verified. Not async: waiting for
    # the broker belongs in a worker thread.
    @router.post("/v1/deliveries", responses=dict.fromkeys((400, 401, 403, 413, 415, 429, 503), PROBLEM))
    def deliver(
        account: Annotated[Account, Depends(auth)],
        body: Annotated[bytes, Depends(read)],
        encoding: Annotated[str, Depends(read_content_encoding)],
        digest: Annotated[str, Depends(read_content_digest)],
    ) -> Receipt:
        """Take one delivery: flagged sets, one JSON object a line."""
        check_digest(body, digest)
        try:
            return handler.accept(account, decode(body, encoding, max_bytes))
        except NoProvinces as error:
            raise Problem(403, str(error)) from error
        except TooManySets as error:
            raise Problem(413, str(error)) from error
        except BrokerAway as error:
            raise Problem(503, str(error), headers={"Retry-After": _RETRY_AFTER_SECONDS}) from error

    return router
