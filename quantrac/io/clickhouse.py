"""ClickHouse over HTTP through clickhouse-connect; foreign exceptions end here.

ClickHouseError
├── ClickHouseAway     nobody answers, or the server is too busy: try again later
├── ClickHouseRefused  the state of the server forbids it (login, rights, a missing table, a full disk):
│                      a person mends that, and then the same statement is fine
└── ClickHouseBadData  the values themselves: they are refused however often they come
"""

import logging
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import clickhouse_connect
import numpy as np
from clickhouse_connect.driver import options
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError as _DriverError
from clickhouse_connect.driver.exceptions import DataError, OperationalError
from numpy.typing import NDArray
from urllib3.exceptions import HTTPError

from quantrac.io.clickhouse_codes import BUSY, STATE
from quantrac.io.clickhouse_native import Array, Words, encode_block, is_written
from quantrac.io.clickhouse_records import decode_blocks
from quantrac.io.records import BadData
from quantrac.io.settings import ClickHouseSettings

# What the driver itself sets where they are not installed. Otherwise every insert imports pandas, and with it
# pyarrow, only to see that the data is no data frame: 1 s of a core and 55 MiB a process.
options.pd = options.np = None

_BUSY, _STATE = frozenset(BUSY.values()), frozenset(STATE.values())

_INSERT: dict[str, Any] = {
    "async_insert": 0,
    # A file may hold readings of any number of months; the default of 100 guards against bad partition keys.
    "max_partitions_per_insert_block": 0,
    # Rows of one key in one block collapse when parts are merged, as those of two blocks do; doing it before
    # cost the server two fifths of an insert: 41 ms instead of 25 for 30,000 readings.
    "optimize_on_insert": 0,
    # A block that is repeated because the server died between a table and the view that copies its rows is
    # ignored by the one and taken by the other. The default of newer servers.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}

MOST_BOUND_BYTES = 512 << 10
"""Bytes that bound values may take in the URL, of which ClickHouse reads 1 MiB (``http_max_uri_size``)."""

# The driver logs a traceback of every value that it cannot write; it raises as well.
logging.getLogger("clickhouse_connect.driver.transform").setLevel(logging.CRITICAL)

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
    """The server is in no state to do it; the same statement is fine once that is mended."""


class ClickHouseBadData(ClickHouseError, BadData):
    """The values are none that the table can hold, or none that the statement can take."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of one query."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as column name -> value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class ClickHouse:
    """One client of one database, connecting when first used; usable from several threads."""

    def __init__(
        self, settings: ClickHouseSettings, *, database: str | None = None, binds_in_body: bool = False
    ) -> None:
        """``binds_in_body``: bound values travel in the body, since a proxy may take 16 KiB of a URL."""
        self._settings, self._binds_in_body = settings, binds_in_body
        self._database = settings.database if database is None else database
        self._client: Client | None = None
        self._probe: Client | None = None
        self._types: dict[tuple[str, ...], list[str]] = {}

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT; ``{name:Type}`` in the text is bound by the server."""
        with _translate_errors():
            answer = self._connect().query(sql, parameters=_bind(parameters))
            return Result(tuple(answer.column_names), answer.result_rows)

    def columns(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows.

        Many rows come in half the time that :meth:`query` takes.
        """
        with _translate_errors():
            answer = self._connect().query(sql, parameters=_bind(parameters))
            return dict(zip(answer.column_names, answer.result_columns, strict=True))

    def command(self, sql: str) -> None:
        """Run one statement that returns no rows."""
        with _translate_errors():
            self._connect().command(sql)

    def insert(self, table: str, columns: Mapping[str, Array], *, token: str = "") -> None:
        """Insert one block, column name -> values, durable when this returns.

        What the values of a column may be says :func:`~quantrac.io.clickhouse_native.encode_block`. A number
        that the table's column cannot hold raises `ClickHouseBadData`, where it would wrap round.

        The server ignores a block whose ``token`` it has just seen; rows repeated later than that collapse by
        the table's key.
        """
        settings = _INSERT | ({"insert_deduplication_token": token} if token else {})
        with _translate_errors(table):
            types = self._column_types(table, columns)
            if all(map(is_written, types)):
                block = encode_block(zip(columns, types, columns.values(), strict=True))
                self._connect().raw_insert(table, list(columns), block, settings=settings, fmt="Native")
                return
            # Types of small tables; the driver takes several times as long.
            self._connect().insert(
                table,
                [list(values) if isinstance(values, Words) else values for values in columns.values()],
                column_names=list(columns),
                column_type_names=types,
                column_oriented=True,
                settings=settings,
            )

    def records(self, sql: str, parameters: Mapping[str, Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Run one SELECT whose columns all have a fixed width; ``dtype`` states them in their order.

        Nothing becomes a Python object: a million rows of ten numbers take 20 ms instead of a second. In
        columns (``Native``) they cost the server half of what they do row by row.
        """
        with _translate_errors():
            answer = self._connect().raw_query(sql, parameters=_bind(parameters), fmt="Native")
            return decode_blocks(answer, dtype)

    def _column_types(self, table: str, columns: Iterable[str]) -> list[str]:
        """Ask for the types once, where the driver would before every insert; the server converts."""
        key = (table, *columns)
        if key not in self._types:
            types = dict(row[:2] for row in self._connect().query(f"DESCRIBE TABLE `{table}`").result_rows)
            missing = [name for name in columns if name not in types]
            if missing:
                raise ClickHouseRefused(f"the table {table} has no column {missing[0]}")
            self._types[key] = [types[name] for name in columns]
        return self._types[key]

    def answers(self) -> bool:
        """Tell within seconds whether the server lives and has taken this login; for one thread at a time.

        A statement proves the login once. Afterwards the server is pinged, over a connection of its own and
        without a statement slot, so that busy statements never look like a server that is away.
        """
        try:
            with _translate_errors():
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

    def _connect(self) -> Client:
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
            form_encode_query_params=self._binds_in_body,
            settings=ON_A_CLUSTER,
            **options,
        )


@contextmanager
def _translate_errors(table: str = "") -> Iterator[None]:
    """``table`` is where rows go: what the driver raises while it writes their values is about these."""
    try:
        yield
    except ClickHouseError:
        raise
    except DataError as error:
        raise ClickHouseBadData(_cannot_hold(table, error)) from error
    except (OperationalError, HTTPError, OSError) as error:
        raise ClickHouseAway(_first_line(error)) from error
    except _DriverError as error:
        code = getattr(error, "code", None)
        if code in _BUSY:
            raise ClickHouseAway(_first_line(error)) from error
        if code is None or code in _STATE:
            raise ClickHouseRefused(_first_line(error)) from error
        raise ClickHouseBadData(_cannot_hold(table, error)) from error
    except (ValueError, TypeError, AttributeError, OverflowError, struct.error) as error:
        if not table:
            raise
        raise ClickHouseBadData(_cannot_hold(table, error)) from error


def _cannot_hold(table: str, error: Exception) -> str:
    refusal = _first_line(error)
    if isinstance(error.__cause__, struct.error):  # the driver's own sentence ends in "error"
        refusal = f"{refusal.removesuffix(': error')}: {error.__cause__}"
    return f"the table {table} cannot hold a value of the message: {refusal}" if table else refusal


def _bind(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the ``{name:Type}`` of a statement stand for; raises `ClickHouseBadData` for too much."""
    bound = dict(parameters or {})
    size = sum(len(quote(str(value))) for value in bound.values())
    if size > MOST_BOUND_BYTES:
        raise ClickHouseBadData(f"a statement would be bound to {size} bytes, more than {MOST_BOUND_BYTES}")
    return bound


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
