"""Keyset pages: a page begins after the last key of the previous page, so no row is lost or repeated.

The cursor is that key as JSON in base64url. Rows written meanwhile appear if their key lies after the cursor.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.api.common.context import Context
from services.api.common.problems import BadParameter
from services.api.common.times import QueryTime, iso

_DEFAULT_SPAN = timedelta(days=1)


class ListFilter(BaseModel):
    """``limit`` of an operation that gives a list; a misspelt parameter is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    limit: Annotated[int, Field(ge=1)] = 1_000
    """Most items of the answer."""

    def effective_limit(self, maximum: int) -> int:
        """Return the limit; raises :class:`BadParameter` where the caller sent more than ``maximum``."""
        if self.limit > maximum and "limit" in self.model_fields_set:
            raise BadParameter(("limit", f"{self.limit} is more than the {maximum} that this server allows"))
        return min(self.limit, maximum)


class PageFilter(ListFilter):
    """Beside the limit, ``cursor``: of an operation that gives pages."""

    cursor: Annotated[str | None, Field(pattern="^[A-Za-z0-9_-]+$")] = None
    """Where the page before ended, as its `next` has it; any other is refused."""


class SpanListFilter(ListFilter):
    """Beside the limit, ``from`` and ``to``: a half-open span of time."""

    from_: Annotated[QueryTime | None, Field(alias="from", examples=["2026-03-25T00:00:00+07:00"])] = None
    """Inclusive, and before `to`; ISO 8601 with a zone. 24 hours before `to` where absent."""
    to: Annotated[QueryTime | None, Field(examples=["2026-03-26T00:00:00+07:00"])] = None
    """Exclusive; ISO 8601 with a zone. Now where absent."""

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return start and end, UTC; raises :class:`BadParameter` where nothing lies between them."""
        end = self.to or now
        try:
            start = self.from_ or self.default_start(end)
        except OverflowError as error:
            raise BadParameter(("to", f"{iso(end)} has no day before it")) from error
        if start >= end:
            raise BadParameter(("from", f"{iso(start)} does not lie before `to`, {iso(end)}"))
        return start, end

    def default_start(self, end: datetime) -> datetime:
        """Return the start where `from` is absent; raises ``OverflowError`` where there is none."""
        return end - _DEFAULT_SPAN


class SpanFilter(SpanListFilter, PageFilter):
    """``from``, ``to``, ``limit`` and ``cursor``: of an operation that gives pages of a span of time."""


class Keyset:
    """The columns that order the rows of one operation, each with its type."""

    def __init__(self, **columns: Any) -> None:
        self._columns = tuple(columns)
        key: Any = tuple.__class_getitem__(tuple(columns.values()))
        self._key: TypeAdapter[tuple[Any, ...]] = TypeAdapter(key)

    def encode_cursor(self, row: Mapping[str, Any]) -> str:
        """Write the key of a row."""
        key = tuple(row[column] for column in self._columns)
        return base64.urlsafe_b64encode(self._key.dump_json(key)).rstrip(b"=").decode()

    def decode_cursor(self, cursor: str | None, *lowest: Any) -> tuple[Any, ...]:
        """Return the key that the page begins after, never below ``lowest``.

        Raises :class:`BadParameter` where this operation did not give the cursor.
        """
        if cursor is None:
            return lowest
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            return max(lowest, self._key.validate_json(text))
        except ValueError as error:
            raise BadParameter(("cursor", "is not one that this operation gave")) from error


@dataclass(frozen=True, slots=True)
class SpanPage:
    """One page of the rows in a span of time: which rows to read, and the link to the next page."""

    request: Request
    keyset: Keyset
    start: datetime
    """Inclusive, UTC."""
    end: datetime
    """Exclusive, UTC."""
    after_key: Any
    """Key, as a tuple, that the page begins after."""
    limit: int
    """Most rows of the page."""

    @classmethod
    def from_filters(
        cls, request: Request, filters: SpanFilter, context: Context, keyset: Keyset, *lowest: Any
    ) -> "SpanPage":
        """Read the query string; ``lowest`` is less than any key's columns after the time.

        Raises :class:`BadParameter`.
        """
        start, end = filters.span(context.clock())
        after_key = keyset.decode_cursor(filters.cursor, start, *lowest)
        return cls(request, keyset, start, end, after_key, filters.effective_limit(context.page_limit))

    @property
    def row_limit(self) -> int:
        """Rows to read: one more than the page holds tells whether another page follows."""
        return self.limit + 1

    def next_link(self, rows: Sequence[Mapping[str, Any]]) -> str | None:
        """Return the link to the next page, with this one's start and end, or ``None`` on the last.

        ``rows`` are those read, up to ``row_limit``.
        """
        if len(rows) <= self.limit:
            return None
        span = {"from": iso(self.start), "to": iso(self.end)}
        return link_to_cursor(self.request, self.keyset.encode_cursor(rows[self.limit - 1]), **span)


def link_to_cursor(request: Request, cursor: str, **parameters: str) -> str:
    """Return the address of the same request at another cursor, with ``parameters`` added or replaced."""
    return f"{request.url.path}?{urlencode({**request.query_params, **parameters, 'cursor': cursor})}"
