"""Topics ``raw-file`` and ``raw-file-backlog``: the bytes of a file become a row of ``raw_files``."""

from collections.abc import Iterable, Mapping, Sequence

from quantrac.io.records import Record
from schemas.codecs.raw_file import RawFileHead, decode_head
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables

RawFile = tuple[str, RawFileHead, bytes]
"""Station (the message's key), headers, content."""


def _decode(record: Record) -> RawFile:
    return record.key.decode(), decode_head(record.headers), record.value or b""


def _columns(files: Sequence[RawFile], _database: Database) -> Mapping[str, Columns]:
    return {"raw_files": raw_file_columns(files)}


def raw_file_columns(files: Iterable[RawFile]) -> Columns:
    """Return the columns of ``raw_files``."""
    files = list(files)
    if not files:
        return {}
    return {
        "station": [key for key, _, _ in files],
        "file_id": [h.file_id for _, h, _ in files],
        "received_at": [h.received_at for _, h, _ in files],
        "name": [h.name for _, h, _ in files],
        "path": [h.path for _, h, _ in files],
        "account": [h.account for _, h, _ in files],
        "transport": [h.transport for _, h, _ in files],
        "marks": [h.marks or "" for _, h, _ in files],
        "content": [content for _, _, content in files],
    }


TABLES = TopicTables(_decode, _columns)
