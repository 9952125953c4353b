"""``POST /v1/files``: the HTTP door for station files."""

import asyncio
from collections.abc import Callable
from functools import partial
from posixpath import normpath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message

from quantrac.domain.readings import ReadingSet
from quantrac.domain.registry.accounts import Account
from quantrac.io.records import Record
from services.receiver.access.gate import Gate
from services.receiver.adapters.http.app import PROBLEM, Problem
from services.receiver.adapters.http.basic_auth import BasicAuth, refusal_problem
from services.receiver.adapters.http.bodies import decode, read_content_encoding, unknown_encoding
from services.receiver.intake.handler import Upload
from services.receiver.intake.intake import Intake, UploadOutcome
from services.receiver.intake.spool import SpoolFull

_FILES_PER_REQUEST = 100
_REFUSALS = (400, 401, 403, 413, 415, 422, 429, 507)
# Of a part (RFC 7578, 4.7): those that leave its bytes as they are.
_PLAIN_PARTS = frozenset({"", "7bit", "8bit", "binary"})

NamedContent = tuple[str, bytes]
"""File name and bytes."""
Reader = Callable[[Record], ReadingSet]
"""Reads a raw file as the role ``parse`` does."""


class RejectedLine(BaseModel):
    """One line that gave no reading."""

    line: int
    """Counted from 1; 0 = the whole file."""
    reason: str
    detail: str


class ReadingSummary(BaseModel):
    """What the parser reads in a file, by the registry as it is now."""

    outcome: Literal["all", "some", "none"]
    """Whether every line was read, some, or none: look here, for the file itself is kept in any case."""
    readings: int
    rejects: list[RejectedLine]
    """At most 1,000."""


class AcceptedFile(BaseModel):
    """What became of one file."""

    file_id: str
    """SHA-256 of its bytes."""
    name: str
    station: str | None
    """Station it was assigned to; null while none could be."""
    known: bool
    """Whether the very same file had been accepted before."""
    state: Literal["confirmed", "spooled", "dry-run"]
    """``confirmed``: the broker has it; ``spooled``: safe on disk, the broker will get it; ``dry-run``: it
    was read for this answer and kept nowhere."""
    read: ReadingSummary | None


class UploadAnswer(BaseModel):
    """The answer to an upload, one entry a file, in the order sent."""

    files: list[AcceptedFile]


def files_router(
    intake: Intake, auth: BasicAuth, gate: Gate, *, read: Reader, confirm_seconds: float
) -> APIRouter:
    """Build the router; an upload waits up to ``confirm_seconds`` for the broker.

    ``read`` reads a file for the answer; the readings that count are those of the role ``parse``.
    """
    router = APIRouter()

    @router.post("/v1/files", status_code=201, responses=dict.fromkeys(_REFUSALS, PROBLEM))
    async def upload(
        *,
        request: Request,
        response: Response,
        account: Annotated[Account, Depends(auth)],
        name: Annotated[str | None, Query(description="file name of a raw body")] = None,
        x_file_name: Annotated[str | None, Header(description="the same, as a header")] = None,
        dry_run: Annotated[bool, Query(description="answer as to an upload, and keep nothing")] = False,
    ) -> UploadAnswer:
        """Take one file as the raw body, plain, gzip or zstd, or several plain ones as a form.

        201: the broker has all of them, at least one is new. 200: all were known. 202: at least one is safe
        on disk but not confirmed by the broker in time; nothing needs to be sent again. A file of which
        nothing can be read is kept and answered like any other: `read` says so. A dry run is answered 200.
        """
        contents = await _read_files(request, name or x_file_name, account.name, gate)
        take = intake.preview if dry_run else intake.offer
        outcomes = [await _offer(take, gate, account, *content) for content in contents]
        await _wait(outcomes, confirm_seconds)
        files = [
            await _entry(name, outcome, read, dry_run=dry_run)
            for (name, _), outcome in zip(contents, outcomes, strict=True)
        ]
        response.status_code = _status(files)
        return UploadAnswer(files=files)

    return router


async def _read_files(request: Request, name: str | None, account: str, gate: Gate) -> list[NamedContent]:
    limit = gate.file_bytes(account)
    multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
    total = limit * _FILES_PER_REQUEST if multipart else limit
    encoding = read_content_encoding(request)
    if multipart and encoding not in ("", "identity"):
        raise unknown_encoding(f"a form is taken without Content-Encoding, not as {encoding}")
    limited = Request(request.scope, _limit_body(request.receive, total, partial(gate.pause, account)))
    try:
        files = await _parts(limited) if multipart else [(name or "", await limited.body())]
    except ClientDisconnect as error:
        raise Problem(400, "the body is cut off") from error
    if not multipart:
        files = [(file, await asyncio.to_thread(decode, body, encoding, limit)) for file, body in files]
    for file, content in files:
        if not file:
            raise Problem(422, "the file has no name: give ?name= or X-File-Name, or a filename in each part")
        if len(content) > limit:
            raise Problem(413, f"{file}: {len(content)} bytes; at most {limit} are accepted")
    return files


async def _parts(request: Request) -> list[NamedContent]:
    async with request.form(max_files=_FILES_PER_REQUEST) as form:
        parts = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not parts:
            raise Problem(422, "the form holds no file")
        for part in parts:
            _check_plain(part)
        return [(part.filename or "", await part.read()) for part in parts]


def _check_plain(part: UploadFile) -> None:
    """Refuse a part whose bytes would not be the file's."""
    for header in ("content-encoding", "content-transfer-encoding"):
        coding = part.headers.get(header, "").strip().lower()
        if coding not in _PLAIN_PARTS | {"identity"}:
            raise unknown_encoding(f"{part.filename}: a part is taken without {header}, not as {coding}")


def _limit_body(receive: Callable[[], Any], limit: int, pause: Callable[[int], float]) -> Callable[[], Any]:
    """Count the body while it comes: refuse it past the limit (bytes), and hold the account's rate."""
    size = 0

    async def receive_limited() -> Message:
        nonlocal size
        message: Message = await receive()
        chunk = len(message.get("body", b""))
        size += chunk
        if size > limit:
            raise Problem(413, f"the body is larger than {limit} bytes")
        await asyncio.sleep(pause(chunk))
        return message

    return receive_limited


async def _offer(
    take: Callable[[Upload], UploadOutcome], gate: Gate, account: Account, path: str, content: bytes
) -> UploadOutcome:
    if refusal := gate.count_file(account.name):
        raise refusal_problem(refusal)
    folder, _, name = path.replace("\\", "/").rpartition("/")
    # As a client of the other doors sees it: nothing lies above the account's root.
    folder = normpath(f"/{folder.lstrip('/')}")
    try:
        outcome = take(Upload(account, folder, name, content, "http"))
        await asyncio.wrap_future(outcome.spooled)
    except ValueError as error:
        raise Problem(422, str(error)) from error
    except SpoolFull as error:
        raise Problem(507, f"no room, try again later: {error}") from error
    return outcome


async def _wait(outcomes: list[UploadOutcome], seconds: float) -> None:
    # Shielded: giving up waiting must not cancel what the sender will complete.
    waiting = [asyncio.shield(asyncio.wrap_future(outcome.confirmed)) for outcome in outcomes]
    await asyncio.wait(waiting, timeout=seconds)


async def _entry(name: str, outcome: UploadOutcome, read: Reader, *, dry_run: bool) -> AcceptedFile:
    state: Literal["confirmed", "spooled"] = "confirmed" if outcome.confirmed.done() else "spooled"
    return AcceptedFile(
        file_id=outcome.file_id,
        name=name,
        station=outcome.station,
        known=outcome.is_resend,
        state="dry-run" if dry_run else state,
        read=await asyncio.to_thread(_read, outcome.record, read) if outcome.record else None,
    )


def _read(record: Record, read: Reader) -> ReadingSummary:
    reading_set = read(record)
    rejects = [RejectedLine(line=r.line, reason=r.reason, detail=r.detail) for r in reading_set.rejects]
    readings = len(reading_set.readings)
    outcome: Literal["all", "some", "none"] = "none" if not readings else "some" if rejects else "all"
    return ReadingSummary(outcome=outcome, readings=readings, rejects=rejects)


def _status(files: list[AcceptedFile]) -> int:
    if any(file.state == "spooled" for file in files):
        return 202
    return 200 if all(file.known or file.state == "dry-run" for file in files) else 201
