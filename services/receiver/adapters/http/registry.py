"""``/v1/registry``: provinces post the entries of their stations, and ask how far each has come."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from quantrac.domain.registry.accounts import Account
from schemas.messages.registry_requests import RegistryAnswer
from services.receiver.adapters.http.app import PROBLEM, Problem
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.bodies import (
    check_digest,
    decode,
    read_body,
    read_content_digest,
    read_content_encoding,
)
from services.receiver.requests.entries import BadPost, TooManyEntries
from services.receiver.requests.handler import BrokerAway, NoProvinces, RequestHandler

MEDIA_TYPE = "application/json"
MAX_BYTES = 16 << 20
"""Of one body, compressed and not; a forwarder cuts at 1 MiB."""

_RETRY_AFTER_SECONDS = "5"


def registry_router(handler: RequestHandler, auth: BasicAuth, *, max_bytes: int = MAX_BYTES) -> APIRouter:
    """Build the router of registry requests."""
    router = APIRouter()

    async def read(request: Request) -> bytes:
        return await read_body(request, MEDIA_TYPE, max_bytes)

    # As for deliveries: the account comes first, and waiting for the broker belongs in a worker thread.
    @router.post("/v1/registry", responses=dict.fromkeys((400, 401, 403, 413, 415, 429, 503), PROBLEM))
    def post(
        account: Annotated[Account, Depends(auth)],
        body: Annotated[bytes, Depends(read)],
        encoding: Annotated[str, Depends(read_content_encoding)],
        digest: Annotated[str, Depends(read_content_digest)],
    ) -> RegistryAnswer:
        """Take entries of stations: `{"entries": [...]}`, each as in the registry's topic."""
        check_digest(body, digest)
        try:
            return handler.post(account, decode(body, encoding, max_bytes))
        except NoProvinces as error:
            raise Problem(403, str(error)) from error
        except BadPost as error:
            raise Problem(400, str(error)) from error
        except TooManyEntries as error:
            raise Problem(413, str(error)) from error
        except BrokerAway as error:
            raise Problem(503, str(error), headers={"Retry-After": _RETRY_AFTER_SECONDS}) from error

    @router.get("/v1/registry/requests", responses=dict.fromkeys((401, 403, 429), PROBLEM))
    def requests(
        account: Annotated[Account, Depends(auth)], if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """Answer all requests of the account; 304 while the ETag that is sent along still holds."""
        try:
            answer = handler.list_requests(account)
        except NoProvinces as error:
            raise Problem(403, str(error)) from error
        headers = {"ETag": f'"{answer.registry_version}"'}
        if if_none_match == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(answer.model_dump_json(), media_type=MEDIA_TYPE, headers=headers)

    return router
