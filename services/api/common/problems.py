"""Every answer that is no success, as ``application/problem+json`` (RFC 9457).

Problem              500  a fault of ours
├── BadParameter     422  the caller must change the request
├── Unauthorized     401  the caller must bring a key that is valid now
├── NotFound         404  there is no such thing, or this key may not see it
│   └── UnknownStation
├── Unavailable      503  the caller may try again later
├── TooManyRequests  429  the caller asks too much at once, and may try again later
└── HttpProblem      any  what HTTP itself has a status for

``install`` turns what other libraries raise into one of these, in this one place.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from quantrac.io.clickhouse import ClickHouseAway

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# A restart of ClickHouse takes about this long.
_RETRY_SECONDS = "5"


class Problem(Exception):
    """An answer that is no success."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    name = "internal-error"
    """Anchor of the problem's type on the docs page."""
    title = "Something went wrong here"
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.detail, self.errors = detail, list(errors)


class BadParameter(Problem):
    """A parameter is missing, unknown or not what it should be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    name = "bad-parameter"
    title = "A parameter is not as it should be"

    def __init__(self, *errors: tuple[str, str]) -> None:
        """Take (parameter, what is wrong with it) pairs."""
        detail = "; ".join(f"{parameter}: {sentence}" for parameter, sentence in errors)
        documents = [{"parameter": parameter, "detail": sentence} for parameter, sentence in errors]
        super().__init__(detail, documents)


class Unauthorized(Problem):
    """No key, or one that is not valid now."""

    status = HTTPStatus.UNAUTHORIZED
    name = "no-valid-key"
    title = "A valid API key is needed"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="quantrac"'}


class NotFound(Problem):
    """There is no such thing, or the key may not see it."""

    status = HTTPStatus.NOT_FOUND
    name = "not-found"
    title = "There is no such thing"


class UnknownStation(NotFound):
    """No station has this code, or the key may not see it."""

    name = "unknown-station"
    title = "There is no such station"

    def __init__(self, code: str) -> None:
        super().__init__(f"No station {code!r} is registered, or this key may not read it.")


class Unavailable(Problem):
    """Something the API needs does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    name = "unavailable"
    title = "Not available just now"
    headers: Mapping[str, str] = {"Retry-After": _RETRY_SECONDS}


class TooManyRequests(Problem):
    """More requests of one key are under way than may be."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    name = "too-many-requests"
    title = "Too many requests of this key at once"
    headers: Mapping[str, str] = {"Retry-After": _RETRY_SECONDS}


class HttpProblem(Problem):
    """What HTTP itself has a status for, such as a method that is not possible."""

    name = ""

    def __init__(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        super().__init__(f"{status.description or status.phrase}.")
        self.status, self.title, self.headers = status, status.phrase, headers


PROBLEM_TYPES: tuple[type[Problem], ...] = (
    BadParameter,
    Unauthorized,
    NotFound,
    UnknownStation,
    TooManyRequests,
    Unavailable,
    Problem,
)
"""Every problem type, for the docs page."""


class ProblemDocument(BaseModel):
    """A problem, as RFC 9457 writes it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    type: str
    """Where this kind of problem is described."""
    title: str
    """The kind of problem, in a few words."""
    status: int
    """The HTTP status."""
    detail: str
    """What went wrong this time, in a sentence."""
    instance: str
    """What was asked for."""
    errors: list[dict[str, str]] = []
    """``parameter`` and ``detail`` of each parameter that is wrong."""


def describe_problems(*types: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses=`` of an operation that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}
    return {int(type_.status): {"description": type_.title, "content": content} for type_ in types}


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_bad_request)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(ClickHouseAway, _answer_clickhouse_away)
    app.add_exception_handler(Exception, _answer_problem)


def _answer_problem(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else Problem(f"{request.url.path} could not be answered.")
    document = {
        "type": f"/docs#{problem.name}" if problem.name else "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    }
    if problem.errors:
        document["errors"] = problem.errors
    return JSONResponse(document, problem.status, headers=dict(problem.headers), media_type=MEDIA_TYPE)


def _answer_bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # what it is registered for
    errors = ((str(entry["loc"][-1]), _describe_error(entry)) for entry in error.errors())
    return _answer_problem(request, BadParameter(*errors))


def _describe_error(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "this operation has no such parameter"
        case "missing":
            return "is required"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return str(error["msg"])


def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _answer_problem(request, NotFound(f"There is nothing at {request.url.path}."))
    return _answer_problem(request, HttpProblem(HTTPStatus(error.status_code), error.headers or {}))


def _answer_clickhouse_away(request: Request, error: Exception) -> Response:
    log.warning("%s: %s", request.url.path, error)
    return _answer_problem(request, Unavailable("ClickHouse does not answer, or is too busy."))
