"""The receiver's HTTP application: health and problem+json (RFC 9457); ``wiring`` adds the routers."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from quantrac.io.health import Health, health_answer
from services.receiver.adapters.http.refusal_log import RefusalLog

PROBLEM: Any = {"description": "a problem (RFC 9457)", "content": {"application/problem+json": {}}}
"""How a refusal looks in a route's ``responses``."""


class Problem(Exception):
    """An expected refusal; answered as ``application/problem+json``."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, kind: str = "about:blank"
    ) -> None:
        """``kind`` is the problem's ``type``, a URI for programs."""
        super().__init__(detail)
        self.status, self.detail, self.headers, self.kind = HTTPStatus(status), detail, headers, kind


def create_app(*, health: Callable[[], Health], refusals: RefusalLog | None = None) -> FastAPI:
    """Build the application; ``health`` answers ``/health/ready`` (200 or 503), ``refusals`` counts them."""
    app = FastAPI(title="Quantrac receiver", version="1", docs_url=None, redoc_url=None)
    app.state.refusals = refusals
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_bad_request)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer as long as the process runs."""
        return {"status": "ok"}

    @app.get("/health/ready")
    async def readiness() -> JSONResponse:
        """Tell whether files can be accepted."""
        status, body = health_answer(health())
        return JSONResponse(body, status)

    return app


def _answer(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    kind: str = "about:blank",
) -> JSONResponse:
    refusals: RefusalLog | None = request.app.state.refusals
    if refusals is not None:
        address = request.client.host if request.client else "nobody"
        refusals.note(status, request.url.path, getattr(request.state, "account", "") or address)
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101  # registered for this class only
    return _answer(request, error.status, error.detail, error.headers, error.kind)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _answer(request, error.status_code, error.detail, error.headers)


async def _on_bad_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    return _answer(request, 422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
