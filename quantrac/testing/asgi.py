"""Asks an ASGI application without a socket."""

import warnings

with warnings.catch_warnings():
    # Starlette is moving its client to another HTTP library; the one this project uses still works.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TestClient"]
