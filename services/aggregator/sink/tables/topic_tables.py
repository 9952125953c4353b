"""The shape that every topic of the sink has: how a message is read, and which rows it becomes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

from quantrac.io.clickhouse import Result
from quantrac.io.clickhouse_native import Array
from quantrac.io.records import Record

Columns = dict[str, Array]
"""Column name -> values, all of one length; no columns at all when there are no rows."""

Message = TypeVar("Message")


class Database(Protocol):
    """Where rows go: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def insert(self, table: str, columns: Columns, *, token: str) -> None:
        """Insert one block durably; raises ``ClickHouseError``."""
        ...

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...


def no_messages(_messages: Sequence[Any]) -> Iterable[Record]:
    """Publish nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class TopicTables(Generic[Message]):
    """One topic, or several with the same messages."""

    decode: Callable[[Record], Message]
    """Reads a message; raises ``BadMessage``, ``ValidationError`` or ``UnicodeDecodeError``."""
    columns: Callable[[Sequence[Message], Database], Mapping[str, Columns]]
    """Table -> columns of a batch's messages, in the order in which the tables are written. May ask the
    database what is stored; raises ``ClickHouseError``."""
    messages: Callable[[Sequence[Message]], Iterable[Record]] = no_messages
    """What is published once the rows are stored."""


def join_columns(blocks: Iterable[Columns]) -> Columns:
    """Return blocks of the same columns as one."""
    parts = list(blocks)
    return {name: list(chain.from_iterable(p[name] for p in parts)) for name in parts[0]} if parts else {}
