"""Received files, their exact bytes, and the lines that gave no reading."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.api.common.answers import Row
from services.api.common.context import ApiContext, Context
from services.api.common.keys import CurrentReader, FileScope, Reader
from services.api.common.names import RejectReason
from services.api.common.pages import Keyset, SpanFilter, SpanListFilter, SpanPage
from services.api.common.problems import BadParameter, NotFound
from services.api.files.answer import File, Files, Reject, RejectCount, Rejects, RejectsSummary
from services.api.files.query import (
    find_content,
    select_files,
    select_files_by_id,
    select_reject_counts,
    select_rejects,
)

router = APIRouter(tags=["Files"])

_FILE_ORDER = Keyset(received_at=AwareDatetime, station=str, file_id=str)
_REJECT_ORDER = Keyset(received_at=AwareDatetime, station=str, file_id=str, line=int)

FileId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes.")]


class SummaryFilter(SpanListFilter):
    """Which files, by the time they were received."""

    station: Annotated[str | None, Field(examples=["HN_BKHN_KHIKXQ"])] = None
    """Station code; all that the key may read where absent."""


class FilesFilter(SummaryFilter, SpanFilter):
    """Which files, by the time they were received and whether they have a station."""

    unassigned: bool = False
    """Only files that could not be assigned to a station: of a key for accounts, those that they sent; of one
    for provinces or stations, none. Not together with `station`."""


class RejectsFilter(SummaryFilter, SpanFilter):
    """Which rejected lines, by the time their file was received."""

    reason: RejectReason | None = None
    """Stable code of the reason."""


@router.get("/files", summary="List received files")
def files(
    request: Request, filters: Annotated[FilesFilter, Query()], reader: CurrentReader, context: ApiContext
) -> Files:
    """List files received in [from, to) with how many readings and rejects each gave."""
    page = SpanPage.from_filters(request, filters, context, _FILE_ORDER, "", "")
    rows = select_files(
        context.database,
        scope=_select_scope(filters, reader),
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
    )
    items = [File.from_row(row, has_content=context.has_raw_files) for row in rows[: page.limit]]
    return Files(items=items, next=page.next_link(rows))


@router.get("/files/{file_id}", summary="Show one file")
def file(file_id: FileId, reader: CurrentReader, context: ApiContext) -> File:
    """Show when a file was last received and what it gave."""
    return File.from_row(_find_receptions(file_id, reader, context)[0], has_content=context.has_raw_files)


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
    receptions = _find_receptions(file_id, reader, context)
    headers = {"ETag": f'"{file_id}"', "Cache-Control": "private, no-cache"}
    if _is_current(if_none_match, file_id):
        return Response(status_code=304, headers=headers)
    senders = {str(row[name]) for row in receptions for name in ("station", "account")}
    file_content = find_content(context.database, file_id, senders=sorted(senders))
    if file_content is None:
        raise NotFound(f"The bytes of the file {file_id} are not stored yet.")
    name, body = file_content
    # The encoding is not known, so none is declared, and browsers must not guess one.
    headers |= {
        "Content-Type": "text/plain",
        "Content-Disposition": _content_disposition(name),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, headers=headers)


@router.get("/rejects", summary="List lines that gave no reading")
def rejects(
    request: Request, filters: Annotated[RejectsFilter, Query()], reader: CurrentReader, context: ApiContext
) -> Rejects:
    """List the rejected lines of files received in [from, to), each with its text and reason."""
    page = SpanPage.from_filters(request, filters, context, _REJECT_ORDER, "", "", 0)
    rows = select_rejects(
        context.database,
        scope=reader.file_scope(filters.station),
        reason=filters.reason,
        after_key=page.after_key,
        end=page.end,
        limit=page.row_limit,
    )
    return Rejects(items=[Reject(**row) for row in rows[: page.limit]], next=page.next_link(rows))


@router.get("/rejects/summary", summary="Count lines that gave no reading")
def rejects_summary(
    filters: Annotated[SummaryFilter, Query()], reader: CurrentReader, context: ApiContext
) -> RejectsSummary:
    """Count the rejected lines of files received in [from, to), by station and reason, the most first."""
    start, end = filters.span(context.clock())
    rows = select_reject_counts(
        context.database,
        scope=reader.file_scope(filters.station),
        start=start,
        end=end,
        limit=filters.effective_limit(context.page_limit),
    )
    return RejectsSummary(items=[RejectCount(**row) for row in rows])


def _select_scope(filters: FilesFilter, reader: Reader) -> FileScope:
    """Return which files may be shown; raises :class:`BadParameter`."""
    if filters.unassigned and filters.station is not None:
        raise BadParameter(("unassigned", "a file of a station is not unassigned; leave one of them out"))
    return reader.file_scope(filters.station, unassigned=filters.unassigned)


def _find_receptions(file_id: str, reader: Reader, context: Context) -> list[Row]:
    """Return the rows of a file that the key may read, the newest first; raises :class:`NotFound`."""
    rows = [
        row
        for row in select_files_by_id(context.database, file_id)
        if reader.can_read_file(row["station"], row["account"])
    ]
    if not rows:
        raise NotFound(f"No file {file_id} has been received, or this key may not read it.")
    return list(rows)


def _is_current(if_none_match: str | None, file_id: str) -> bool:
    """Tell whether the caller's ETags name these bytes (RFC 9110, If-None-Match)."""
    tags = (tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(","))
    return any(tag in ("*", f'"{file_id}"') for tag in tags)


def _content_disposition(name: str) -> str:
    encoded = quote(name, safe="")
    return f'attachment; filename="{name}"' if encoded == name else f"attachment; filename*=UTF-8''{encoded}"
