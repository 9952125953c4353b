"""Received files, their exact bytes, and the lines that gave no reading."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.api.common.answers import Row
from services.api.common.context import ApiContext, Context
from services.api.common.keys import CurrentReader, Reader
from services.api.common.pages import Keyset, SpanFilter, SpanListFilter, SpanPage
from services.api.common.problems import BadParameter, NotFound
from services.api.files import query as queries
from services.api.files.answer import File, Files, Reject, RejectCount, Rejects, RejectsSummary

router = APIRouter(tags=["Files"])

_FILES = Keyset(received_at=AwareDatetime, station=str, file_id=str)
_REJECTS = Keyset(received_at=AwareDatetime, station=str, file_id=str, line=int)

FileId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes.")]


class SummaryFilter(SpanListFilter):
    """Which files, by the time they were received."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""


class FilesFilter(SummaryFilter, SpanFilter):
    """Which files, by the time they were received and whether they have a station."""

    unassigned: bool = False
    """Only files that could not be assigned to a station; none for a key limited to provinces. Not together
    with `station`."""


class RejectsFilter(SummaryFilter, SpanFilter):
    """Which rejected lines, by the time their file was received."""

    reason: Annotated[str | None, Field(min_length=1, examples=["value-not-a-number"])] = None
    """Stable code of the reason."""


@router.get("/files", summary="List received files")
def files(
    request: Request, filters: Annotated[FilesFilter, Query()], reader: CurrentReader, context: ApiContext
) -> Files:
    """List files received in [from, to) with how many readings and rejects each gave."""
    page = SpanPage.of(request, filters, context, _FILES, "", "")
    rows = queries.files_page(
        context.database,
        stations=_unassigned(filters, reader) if filters.unassigned else reader.scope(filters.station),
        after=page.after,
        end=page.end,
        limit=page.wanted,
    )
    items = [File.of(row, raw=context.has_raw_files) for row in rows[: page.limit]]
    return Files(items=items, next=page.next(rows))


@router.get("/files/{file_id}", summary="Show one file")
def file(file_id: FileId, reader: CurrentReader, context: ApiContext) -> File:
    """Show when a file was last received and what it gave."""
    return File.of(_readable(file_id, reader, context)[0], raw=context.has_raw_files)


@router.get(
    "/files/{file_id}/content",
    summary="Download a file's exact bytes",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 304: {"description": "The caller has these bytes."}},
)
def content(
    file_id: FileId,
    reader: CurrentReader,
    context: ApiContext,
    if_none_match: Annotated[str | None, Header(description="ETag that the caller has.")] = None,
) -> Response:
    """Give the bytes as the station sent them; they never change, so the ETag is the file's id."""
    if not context.has_raw_files:
        raise NotFound("The bytes of this file are at the province; only its readings came here.")
    received = _readable(file_id, reader, context)
    headers = {"ETag": f'"{file_id}"', "Cache-Control": "private, no-cache"}
    if _has(if_none_match, file_id):
        return Response(status_code=304, headers=headers)
    senders = {str(row[name]) for row in received for name in ("station", "account")}
    found = queries.content(context.database, file_id, senders=sorted(senders))
    if found is None:
        raise NotFound(f"The bytes of the file {file_id} are not stored yet.")
    name, body = found
    # The encoding is part of what is to be found out, so none is declared, and no browser shall guess.
    headers |= {
        "Content-Type": "text/plain",
        "Content-Disposition": _disposition(name),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, headers=headers)


@router.get("/rejects", summary="List lines that gave no reading")
def rejects(
    request: Request, filters: Annotated[RejectsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> Rejects:
    """List the rejected lines of files received in [from, to), each with its text and reason."""
    page = SpanPage.of(request, filters, context, _REJECTS, "", "", 0)
    rows = queries.rejects_page(
        context.database,
        stations=reader.scope(filters.station),
        reason=filters.reason,
        after=page.after,
        end=page.end,
        limit=page.wanted,
    )
    return Rejects(items=[Reject(**row) for row in rows[: page.limit]], next=page.next(rows))


@router.get("/rejects/summary", summary="Count lines that gave no reading")
def rejects_summary(
    filters: Annotated[SummaryFilter, Query()], reader: CurrentReader, context: ApiContext
) -> RejectsSummary:
    """Count the rejected lines of files received in [from, to), by station and reason, the most first."""
    start, end = filters.span(context.clock())
    rows = queries.rejects_summary(
        context.database,
        stations=reader.scope(filters.station),
        start=start,
        end=end,
        limit=filters.most(context.page_limit),
    )
    return RejectsSummary(items=[RejectCount(**row) for row in rows])


def _unassigned(filters: FilesFilter, reader: Reader) -> list[str]:
    """Return the scope of files without station; raises :class:`BadParameter`."""
    if filters.station is not None:
        raise BadParameter(("unassigned", "a file of a station is not unassigned; leave one of them out"))
    return [""] if reader.unlimited else []


def _readable(file_id: str, reader: Reader, context: Context) -> list[Row]:
    """Return when and for whom a file was received, as far as the key may know; raises :class:`NotFound`."""
    rows = [row for row in queries.by_id(context.database, file_id) if reader.can_read(row["station"])]
    if not rows:
        raise NotFound(f"No file {file_id} has been received, or this key may not read it.")
    return list(rows)


def _has(if_none_match: str | None, file_id: str) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(","))
    return any(tag in ("*", f'"{file_id}"') for tag in tags)


def _disposition(name: str) -> str:
    encoded = quote(name, safe="")
    return f'attachment; filename="{name}"' if encoded == name else f"attachment; filename*=UTF-8''{encoded}"
