"""``GET /.well-known/jwks.json``: the public keys of receipts, for everybody."""

from typing import Protocol

from fastapi import APIRouter, Response

from quantrac.io.jws import KeySet

_MEDIA_TYPE = "application/jwk-set+json"
# A new key signs at once: whoever meets it asks again, so a cache may not keep the set for long.
_CACHE_SECONDS = 60


class PublishedKeys(Protocol):
    """What is needed of :class:`quantrac.io.signing_keys.SigningKeys`."""

    @property
    def public(self) -> KeySet:
        """Every key that has ever signed."""
        ...


def keys_router(keys: PublishedKeys) -> APIRouter:
    """Build the router of the public keys."""
    router = APIRouter()

    @router.get(
        "/.well-known/jwks.json",
        response_class=Response,
        responses={200: {"description": "a JWK Set (RFC 7517)", "content": {_MEDIA_TYPE: {}}}},
    )
    def read_keys() -> Response:
        """Publish the keys that receipts are signed with, retired ones too."""
        headers = {"Cache-Control": f"public, max-age={_CACHE_SECONDS}"}
        return Response(keys.public.to_json(), media_type=_MEDIA_TYPE, headers=headers)

    return router
