"""The answer on the wire: status, ClickHouse's headers, encoding, and an error inside a broken stream."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from quantrac.local.clickhouse.encodings import choose_encoder
from quantrac.local.clickhouse.engine import Answer
from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.requests import Request

_PIECE_BYTES = 256 << 10

Send = Callable[[dict[str, Any]], Awaitable[None]]

_CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    **dict.fromkeys(("Native", "RowBinary", "Parquet", "Arrow", "ArrowStream"), "application/octet-stream"),
}


class Reply:
    """Answers one request, at once or block by block."""

    def __init__(self, send: Send, request: Request) -> None:
        self._send = send
        self._query_id = request.query_id
        self._began = time.perf_counter_ns()
        self._tag = secrets.token_hex(8)
        self._encoder = None
        self._encoding = ""
        self.started = False
        if request.flag("enable_http_compression"):
            chosen = choose_encoder(request.headers.get("accept-encoding", ""))
            self._encoding, self._encoder = chosen or ("", None)

    def encode(self, data: bytes) -> bytes:
        """Compress a part of the answer if the client asked for it. CPU work: call it on a worker thread."""
        return self._encoder.compress(data) if self._encoder else data

    def encode_end(self) -> bytes:
        """Return what the compressor still holds."""
        return self._encoder.flush() if self._encoder else b""

    async def start(self, output: str | None, answer: Answer | None = None) -> None:
        """Send status and headers; `output` names the format of a result set, None where there is none."""
        headers = {
            "Content-Type": _CONTENT_TYPES.get(output or "", "text/plain; charset=UTF-8"),
            "X-ClickHouse-Summary": self._summary(answer or Answer()),
            "X-ClickHouse-Exception-Tag": self._tag,
        }
        if output:
            headers["X-ClickHouse-Format"] = output
        if self._encoding:
            headers["Content-Encoding"] = self._encoding
        await self._start(200, headers)

    async def write(self, encoded: bytes) -> None:
        """Send a part of the body, encoded already; waits for a client that takes it slowly."""
        # The engine's blocks may have 64 MiB; handed over whole, that is what each slow client would hold.
        for first in range(0, len(encoded), _PIECE_BYTES):
            piece = encoded[first : first + _PIECE_BYTES]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self, encoded: bytes = b"") -> None:
        """Send the last part of the body."""
        if len(encoded) > _PIECE_BYTES:
            await self.write(encoded)
            encoded = b""
        await self._send({"type": "http.response.body", "body": encoded})

    async def text(self, body: bytes) -> None:
        """Answer a probe."""
        await self._start(200, {"Content-Type": "text/html; charset=UTF-8", "Content-Length": str(len(body))})
        await self.end(body)

    async def fail(self, error: EngineError) -> None:
        """Answer with the error; a stream already begun carries it inside and stays without its end."""
        text = f"{error}\n".encode("utf-8", "surrogateescape")
        if self.started:
            await self.write(self.encode(self._inline(text)) + self.encode_end())
            return
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Length": str(len(text)),
            "X-ClickHouse-Exception-Code": str(error.code),
        }
        await self._start(error.status, headers)
        await self.end(text)

    def _inline(self, text: bytes) -> bytes:
        tag = self._tag.encode()
        mark = b"__exception__"
        return b"\r\n".join((b"", mark, tag, text + f"{len(text)} ".encode() + tag, mark, b""))

    def _summary(self, answer: Answer) -> str:
        numbers = {
            "read_rows": answer.read_rows,
            "read_bytes": answer.read_bytes,
            "written_rows": answer.written_rows,
            "written_bytes": answer.written_bytes,
            "elapsed_ns": time.perf_counter_ns() - self._began,
        }
        return json.dumps({name: str(number) for name, number in numbers.items()})

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        self.started = True
        all_headers = {**headers, "X-ClickHouse-Query-Id": self._query_id, "X-ClickHouse-Timezone": "UTC"}
        pairs = [
            (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
            for name, value in all_headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})
