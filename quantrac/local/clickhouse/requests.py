"""An HTTP request as a ClickHouse server reads it: who asks, what, with which settings."""

import base64
import binascii
import io
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from quantrac.local.clickhouse.encodings import Decoder
from quantrac.local.clickhouse.errors import bad_body, too_large

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# Enough for the head of an INSERT.
_PREFIX_BYTES = 64 << 10

# Of the transport, or of a server with another network side than this one; all else is a setting or `param_`.
_TRANSPORT = {
    *(
        "query",
        "query_id",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "role",
        "stacktrace",
    ),
    *("session_id", "session_timeout", "session_check", "close_session", "client_protocol_version"),
    *("compress", "decompress", "enable_http_compression", "http_zlib_compression_level", "buffer_size"),
    *("wait_end_of_query", "send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    *("cancel_http_readonly_queries_on_client_close", "log_comment"),
}


class ClientGone(Exception):
    """The client closed the connection; nobody is left to answer."""


class Body:
    """The request's body, decoded as it arrives."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._decoder = Decoder("")
        self._more = True

    def decode_as(self, encoding: str) -> None:
        """Read the body as this Content-Encoding."""
        self._decoder = Decoder(encoding)

    async def read(self, at_least: int) -> bytes:
        """Read until `at_least` bytes or the end; fewer bytes mean the end.

        What comes on top is one step of the decoder, a few MiB at most, however well it was compressed.
        """
        parts, size = [], 0
        while size < at_least:
            part = self._decoder.next()
            if part is None:
                if not self._more:
                    self._decoder.finish()
                    break
                encoded, self._more = await self._next_part()
                self._decoder.feed(encoded)
                continue
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    async def read_prefix(self) -> bytes:
        """Read enough to find the head of a statement."""
        return await self.read(_PREFIX_BYTES)

    async def read_whole(self, limit: int) -> bytes:
        """Read to the end what has to be in memory at once; raises `EngineError` past `limit` bytes."""
        rest = await self.read(limit + 1)
        if len(rest) > limit:
            raise too_large(limit)
        return rest

    async def discard(self) -> None:
        """Read to the end and keep nothing."""
        while self._more:
            _, self._more = await self._next_part()

    async def wait_until_gone(self) -> None:
        """Return when the client closes the connection; the body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _next_part(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message.get("body", b""), message.get("more_body", False)


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A file of a multipart form: a temporary table of one query."""

    name: str
    format: str
    structure: str
    data: bytes


@dataclass(slots=True)
class Request:
    """One request without its body."""

    method: str
    path: str
    headers: dict[str, str]
    arguments: dict[str, str]
    tables: list[ExternalTable] = field(default_factory=list)

    @classmethod
    def from_scope(cls, scope: Scope) -> "Request":
        """Read the request line and the headers."""
        headers = {
            name.decode(): value.decode("utf-8", "surrogateescape") for name, value in scope["headers"]
        }
        query = scope["query_string"].decode("latin-1")
        arguments = dict(parse_qsl(query, keep_blank_values=True, errors="surrogateescape"))
        return cls(scope["method"], scope["path"], headers, arguments)

    @property
    def sql(self) -> bytes:
        """The statement in the URL or the form, perhaps empty or only its beginning."""
        return self.arguments.get("query", "").encode("utf-8", "surrogateescape")

    @property
    def query_id(self) -> str:
        """The client's own id, else a new one."""
        return self.arguments.setdefault("query_id", str(uuid.uuid4()))

    @property
    def default_format(self) -> str:
        """What a statement without FORMAT answers in."""
        name = self.arguments.get("default_format") or self.headers.get("x-clickhouse-format")
        return name or "TabSeparated"

    @property
    def database(self) -> str:
        """The database of unqualified names; empty when the client does not say."""
        return self.arguments.get("database") or self.headers.get("x-clickhouse-database", "")

    @property
    def params(self) -> dict[str, str]:
        """The values of `{name:Type}`, without their prefix."""
        return {k.removeprefix("param_"): v for k, v in self.arguments.items() if k.startswith("param_")}

    @property
    def settings(self) -> dict[str, str]:
        """The settings of this query; a GET never writes, as on a real server."""
        of_tables = {
            f"{table.name}_{part}" for table in self.tables for part in ("format", "structure", "types")
        }
        settings = {
            name: value
            for name, value in self.arguments.items()
            if name not in _TRANSPORT and name not in of_tables and not name.startswith("param_")
        }
        return settings if self.method == "POST" else {**settings, "readonly": "2"}

    def flag(self, name: str) -> bool:
        """Read an on/off argument."""
        return self.arguments.get(name, "0").lower() in ("1", "true")

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password: ClickHouse headers, else Basic, else arguments."""
        if "x-clickhouse-user" in self.headers or "x-clickhouse-key" in self.headers:
            return self.headers.get("x-clickhouse-user", "default"), self.headers.get("x-clickhouse-key", "")
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(token).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return user, password
        return self.arguments.get("user", "default"), self.arguments.get("password", "")

    @property
    def is_form(self) -> bool:
        """Whether the body is a multipart form."""
        return self.headers.get("content-type", "").startswith("multipart/form-data")

    def add_form(self, body: bytes) -> None:
        """Take the fields of a form as arguments and its files as external tables."""
        fields: list[Field] = []
        uploads: list[File] = []
        content_type = {"Content-Type": self.headers["content-type"].encode("utf-8", "surrogateescape")}
        try:
            parse_form(content_type, io.BytesIO(body), fields.append, uploads.append)
        except FormParserError as error:
            raise bad_body(f"Cannot read the form: {error}") from None
        for item in fields:
            self.arguments[(item.field_name or b"").decode()] = (item.value or b"").decode(
                "utf-8", "surrogateescape"
            )
        for upload in uploads:
            upload.file_object.seek(0)
            self.tables.append(self._table((upload.field_name or b"").decode(), upload.file_object.read()))

    def _table(self, name: str, data: bytes) -> ExternalTable:
        structure = self.arguments.get(f"{name}_structure")
        if structure is None:
            types = self.arguments.get(f"{name}_types", "")
            structure = ", ".join(
                f"_{number} {kind}" for number, kind in enumerate(types.split(","), start=1)
            )
        return ExternalTable(name, self.arguments.get(f"{name}_format", "TabSeparated"), structure, data)
