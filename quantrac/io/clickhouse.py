"""ClickHouse over HTTP through clickhouse-connect; foreign exceptions end here.

ClickHouseError
├── ClickHouseAway     nobody answers, or the server is too busy: try again later
└── ClickHouseRefused  the server answered no: the statement or its data is wrong
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import clickhouse_connect
import numpy as np
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError as _DriverError
from clickhouse_connect.driver.exceptions import OperationalError
from numpy.typing import NDArray
from urllib3.exceptions import HTTPError

from quantrac.io.settings import ClickHouseSettings

# What the driver itself sets where they are not installed. Otherwise every insert imports pandas, and with it
# pyarrow, only to see that the data is no data frame: 1 s of a core and 55 MiB a process.
options.pd = options.np = None

# TOO_MANY_SIMULTANEOUS_QUERIES, MEMORY_LIMIT_EXCEEDED, TOO_MANY_PARTS, TIMEOUT_EXCEEDED, TABLE_IS_READ_ONLY
_BUSY = {202, 241, 252, 159, 242}
# Of a cluster, part of which is away: SOCKET_TIMEOUT, NETWORK_ERROR, ALL_CONNECTION_TRIES_FAILED,
# TOO_FEW_LIVE_REPLICAS, UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, UNKNOWN_STATUS_OF_INSERT, KEEPER_EXCEPTION
_PARTLY_AWAY = {209, 210, 279, 285, 286, 319, 999}
_TRY_AGAIN = frozenset(_BUSY | _PARTLY_AWAY)

# What Distributed tables need; a single server takes no notice.
ON_A_CLUSTER: dict[str, Any] = {
    "distributed_foreground_insert": 1,  # acknowledged = stored, as for a plain table
    "distributed_product_mode": "global",  # the other side of IN and JOIN may be on another shard
    # One replica a shard, the same for all while it lives: what was stored is seen by whoever reads next.
    "load_balancing": "in_order",
    "prefer_localhost_replica": 0,
}


class ClickHouseError(Exception):
    """Something went wrong with ClickHouse."""


class ClickHouseAway(ClickHouseError):
    """Nobody answers, or not now."""


class ClickHouseRefused(ClickHouseError):
    """The statement or its data is wrong."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of one query."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as column name -> value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Words:
    """A column of few different texts."""

    words: Sequence[str]
    codes: NDArray[Any]
    """Place in ``words``, one a row."""


Array = NDArray[Any] | Words


class ClickHouse:
    """One client of one database, connecting when first used; usable from several threads."""

    def __init__(self, settings: ClickHouseSettings, *, database: str | None = None) -> None:
        self._settings = settings
        self._database = settings.database if database is None else database
        self._client: Client | None = None
        self._probe: Client | None = None
        self._types: dict[tuple[str, ...], list[str]] = {}

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT; ``{name:Type}`` in the text is bound by the server."""
        with _translated():
            found = self._connected().query(sql, parameters=dict(parameters or {}))
            return Result(tuple(found.column_names), found.result_rows)

    def columns(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows.

        Many rows come in half the time that :meth:`query` takes.
        """
        with _translated():
            found = self._connected().query(sql, parameters=dict(parameters or {}))
            return dict(zip(found.column_names, found.result_columns, strict=True))

    def command(self, sql: str) -> None:
        """Run one statement that returns no rows."""
        with _translated():
            self._connected().command(sql)

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str = "") -> None:
        """Insert one block, column name -> values, durable when this returns.

        The server ignores a block whose ``token`` it has just seen; rows repeated later than that collapse by
        the table's key.
        """
        settings: dict[str, Any] = {"async_insert": 0}
        if token:
            settings["insert_deduplication_token"] = token
        with _translated():
            self._connected().insert(
                table,
                list(columns.values()),
                column_names=list(columns),
                column_type_names=self._column_types(table, columns),
                column_oriented=True,
                settings=settings,
            )

    def records(self, sql: str, parameters: Mapping[str, Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Run one SELECT whose columns all have a fixed width; ``dtype`` states them in their order.

        Nothing becomes a Python object: a million rows of ten numbers take 20 ms instead of a second.
        """
        with _translated():
            found = self._connected().raw_query(sql, parameters=dict(parameters), fmt="RowBinary")
            return np.frombuffer(found, dtype)

    def insert_arrays(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block of equally long columns, durable when this returns.

        A time is a number: seconds, or milliseconds for ``DateTime64(3)``; NaN is NULL in a nullable column.
        """
        with _translated():
            types = self._column_types(table, columns)
            block = _native(zip(columns, types, columns.values(), strict=True))
            self._connected().raw_insert(
                table, list(columns), block, settings={"async_insert": 0}, fmt="Native"
            )

    def _column_types(self, table: str, columns: Iterable[str]) -> list[str]:
        """Ask for the types once, where the driver would before every insert; the server converts."""
        key = (table, *columns)
        if key not in self._types:
            found = dict(row[:2] for row in self._connected().query(f"DESCRIBE TABLE `{table}`").result_rows)
            missing = [name for name in columns if name not in found]
            if missing:
                raise ClickHouseRefused(f"the table {table} has no column {missing[0]}")
            self._types[key] = [found[name] for name in columns]
        return self._types[key]

    def answers(self) -> bool:
        """Tell within seconds whether the server lives and has taken this login; for one thread at a time.

        A statement proves the login once. Afterwards the server is pinged, over a connection of its own and
        without a statement slot, so that busy statements never look like a server that is away.
        """
        try:
            with _translated():
                if self._probe is None:
                    probe = self._new_client(connect_timeout=2, send_receive_timeout=3, dedicated_pool=True)
                    probe.command("SELECT 1")
                    self._probe = probe
                elif not self._probe.ping(timeout=2):
                    self._probe.close()
                    self._probe = None
        except ClickHouseError:
            return False
        return self._probe is not None

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._new_client(connect_timeout=5, send_receive_timeout=120)
        return self._client

    def _new_client(self, **options: Any) -> Client:
        s = self._settings
        return clickhouse_connect.get_client(
            host=s.host,
            port=s.port,
            username=s.user,
            password=s.password,
            database=self._database,
            secure=s.secure,
            autogenerate_session_id=False,  # a session would serialise the threads that share this client
            tz_mode="aware",
            settings=ON_A_CLUSTER,
            **options,
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, HTTPError, OSError) as error:
        raise ClickHouseAway(_first_line(error)) from error
    except _DriverError as error:
        away = getattr(error, "code", None) in _TRY_AGAIN
        raise (ClickHouseAway if away else ClickHouseRefused)(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


_WIDTHS = {"UInt8": "<u1", "UInt16": "<u2", "UInt32": "<u4", "UInt64": "<u8", "Float64": "<f8"}


def _native(columns: Iterable[tuple[str, str, Array]]) -> bytes:
    """Write one block in ClickHouse's own columnar format."""
    parts, rows = [], 0
    for name, declared, values in columns:
        type_ = declared
        if isinstance(values, Words):
            rows, type_ = len(values.codes), "String"
            words = [_text(word) for word in values.words]
            data = b"".join([words[code] for code in values.codes.tolist()])
        elif type_.startswith("Nullable("):
            rows, width = len(values), _WIDTHS[type_[9:-1]]
            data = np.isnan(values).astype("<u1").tobytes() + values.astype(width).tobytes()
        else:
            width = "<i8" if type_.startswith("DateTime64") else _WIDTHS.get(type_, "<u4")  # or DateTime
            rows, data = len(values), values.astype(width).tobytes()
        parts += [_text(name), _text(type_), data]
    return b"".join([_varint(len(parts) // 3), _varint(rows), *parts])


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
