"""``POST /v1/deliveries``: the door through which provinces deliver to the ministry."""

import threading
from collections.abc import AsyncIterator
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
from services.receiver.adapters.http.body_room import BodyRoom, RoomFull
from services.receiver.deliveries.handler import BrokerAway, DeliveryHandler, NoProvinces
from services.receiver.deliveries.judge import TooManySets

MEDIA_TYPE = "application/x-ndjson"
MAX_BYTES = 64 << 20
"""Of one body, compressed and not; a forwarder cuts at 4 MiB."""
MAX_ACCOUNT_BYTES = 2 * MAX_BYTES
"""Of one account's bodies in memory: the largest one, as it came and unpacked."""
MAX_HELD_BYTES = 4 * MAX_ACCOUNT_BYTES
"""Of all bodies in memory."""

_RETRY_AFTER_SECONDS = "5"
# Bodies unpacked at the same time: until one is, nobody knows its size.
_UNPACKING = 4


def deliveries_router(handler: DeliveryHandler, auth: BasicAuth, *, max_bytes: int = MAX_BYTES) -> APIRouter:
    """Build the router of the role ``deliveries``."""
    router = APIRouter()
    room = BodyRoom(MAX_HELD_BYTES, MAX_ACCOUNT_BYTES)
    unpacking = threading.Semaphore(_UNPACKING)

    async def read(request: Request, account: Annotated[Account, Depends(auth)]) -> AsyncIterator[bytes]:
        with room.hold(account.name) as count:
            try:
                yield await read_body(request, MEDIA_TYPE, max_bytes, count)
            except RoomFull as error:
                raise _later(error) from error

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
            with room.hold(account.name) as count:
                with unpacking:
                    content = decode(body, encoding, max_bytes)
                    count(len(content))
                return handler.accept(account, content)
        except RoomFull as error:
            raise _later(error) from error
        except NoProvinces as error:
            raise Problem(403, str(error)) from error
        except TooManySets as error:
            raise Problem(413, str(error)) from error
        except BrokerAway as error:
            raise _later(error) from error

    return router


def _later(error: Exception) -> Problem:
    return Problem(503, str(error), headers={"Retry-After": _RETRY_AFTER_SECONDS})
