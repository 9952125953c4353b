"""The application: routes, problems, documentation. Touches no socket by itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from html import escape
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

import quantrac
from services.api import health
from services.api.alerts import router as alerts
from services.api.averages import router as averages
from services.api.common.context import Context
from services.api.common.keys import KEY_SLOT
from services.api.common.problems import (
    BadParameter,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    describe_problems,
    install,
)
from services.api.common.repeats import REFUSE_REPEATS
from services.api.data_share import router as data_share
from services.api.deliveries import router as deliveries
from services.api.digests import router as digests
from services.api.docs_page import render
from services.api.exceedances import router as exceedances
from services.api.files import router as files
from services.api.indices import router as indices
from services.api.limits import router as limits
from services.api.lineage import router as lineage
from services.api.readings import router as readings
from services.api.registry_requests import router as registry_requests
from services.api.stations import router as stations

_RESOURCES = (
    stations,
    readings,
    averages,
    indices,
    limits,
    exceedances,
    alerts,
    files,
    data_share,
    deliveries,
    lineage,
    registry_requests,
    digests,
)
"""In the order of the documentation."""

_DESCRIPTION = """\
Readings of automatic environmental monitoring stations, with the flag and the tests of each, their averages
and indices, exceedances of limits, alerts, and the way back to the exact bytes that a station sent.

Every operation under /v1 needs a key, as `X-Api-Key` or as `Authorization: Bearer`. Times are ISO 8601 and
need a zone; stretches of time are half-open, [from, to). Long lists come in pages: follow `next` until it is
null.
"""

# Placeholder in the page for the address that the request came to.
_BASE_URL = "http://base.invalid"


def create_app(context: Context, *, find_obstacle: Callable[[], str] | None = None) -> FastAPI:
    """Build the application over its dependencies.

    ``find_obstacle`` says, from memory, why the API cannot answer now; without it, ``/health/ready`` looks
    it up.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Operations wait for ClickHouse in threads; more than it has connections would only queue.
        current_default_thread_limiter().total_tokens = context.threads
        yield

    app = _Api(
        title="Quantrac",
        version=quantrac.__version__,
        description=_DESCRIPTION,
        docs_url=None,  # the usual page loads its scripts from elsewhere and stays empty without the internet
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = context
    install(app)
    app.include_router(_build_v1())
    app.include_router(health.create_router(find_obstacle or context.find_obstacle))
    page = cache(lambda: render(app.openapi(), _BASE_URL))

    # In no thread: those are for callers with a key.
    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        base_url = escape(str(request.base_url).rstrip("/"))
        return HTMLResponse(page().replace(_BASE_URL, base_url), headers=policy)

    return app


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the document with this server's limit of a page."""
        document = super().openapi()
        page_limit = self.state.context.page_limit
        operations = (operation for path in document["paths"].values() for operation in path.values())
        for parameter in (p for operation in operations for p in operation.get("parameters", ())):
            if parameter["name"] == "limit":
                schema = parameter["schema"]
                schema |= {"maximum": page_limit, "default": min(schema["default"], page_limit)}
        return document


def _build_v1() -> APIRouter:
    problems = describe_problems(Unauthorized, NotFound, BadParameter, TooManyRequests, Unavailable)
    v1 = APIRouter(prefix="/v1", dependencies=[KEY_SLOT, REFUSE_REPEATS], responses=problems)
    for resource in _RESOURCES:
        v1.include_router(resource.router)
    return v1
