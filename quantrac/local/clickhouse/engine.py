"""The embedded engine: one process a data folder, one handle a query."""

import base64
import fcntl
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantrac.local.clickhouse.access import users_file
from quantrac.local.clickhouse.analyst_sql import Vocabulary
from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.statements import InsertHead, quote_name
from quantrac.local.errors import LocalError

_CONFIG = Path(__file__).with_name("config.xml")
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
# What a query may take unless it asks for something else: half of the engine's memory, five minutes.
_LIMITS = {"max_memory_usage": "1610612736", "max_execution_time": "300"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished statement: the bytes in the wanted format, and what it read and wrote."""

    data: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise EngineError.from_text(str(error)) from None


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _assignment(name: str, value: str | None) -> str:
    if not _SETTING_NAME.match(name):
        raise EngineError.with_name(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    return f"{name} = {'DEFAULT' if value is None else _quote(value)}"


class Handle:
    """One connection to the engine: one statement at a time; calls block and may come from any thread."""

    def __init__(self, connection: Any, tag: str, incoming: Path) -> None:
        self._connection, self._incoming = connection, incoming
        # The engine gives its query ids itself; `log_comment` is how a running query is found and ended.
        self.tag = tag
        self.set({"log_comment": tag, **_LIMITS})

    def use(self, database: str) -> None:
        """Make `database` the default of unqualified names."""
        self.query(f"USE {quote_name(database)}".encode())

    def take_role(self, role: str) -> None:
        """Give up every right but the role's; see `access`."""
        self.query(f"SET ROLE {quote_name(role)}".encode())

    def canonical(self, sql: bytes) -> bytes:
        """Return one statement as the engine's parser writes it; raises `EngineError` where it is none."""
        encoded = {"sql": base64.b64encode(sql).decode()}
        return self.query(
            b"SELECT formatQuerySingleLine(base64Decode({sql:String}))", "RawBLOB", encoded
        ).data

    def names(self, sql: str) -> list[str]:
        """Return the one column of a SELECT; its values have no line breaks."""
        return self.query(sql.encode(), "TabSeparatedRaw").data.decode().splitlines()

    def create_table(self, name: str, structure: str, input_format: str, data: bytes) -> None:
        """Make a temporary table of this handle and fill it."""
        self.query(f"CREATE TEMPORARY TABLE {quote_name(name)} ({structure})".encode())
        head = InsertHead(f"INSERT INTO {quote_name(name)}".encode(), b"", input_format, 0)
        with closing(self.insert(head, {})) as insert:
            insert.append(data)
            insert.finish()

    def drop_table(self, name: str) -> None:
        """Drop a temporary table of this handle."""
        self.query(f"DROP TEMPORARY TABLE IF EXISTS {quote_name(name)}".encode())

    def set(self, settings: Mapping[str, str]) -> None:
        """Set `settings` for every later statement of this handle."""
        if settings:
            self.query(("SET " + ", ".join(_assignment(*item) for item in settings.items())).encode())

    def unset(self, names: Mapping[str, str]) -> None:
        """Put the named settings back to what a new handle has."""
        if names:
            self.query(("SET " + ", ".join(_assignment(name, _LIMITS.get(name)) for name in names)).encode())

    def query(
        self, sql: bytes, output: str = "TabSeparated", params: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a statement to its end."""
        with _engine_errors():
            result = self._connection.query(sql, output, params=dict(params or {}))
            return Answer(
                data=result.bytes() or b"",
                read_rows=result.storage_rows_read(),
                read_bytes=result.storage_bytes_read(),
                written_rows=result.rows_written(),
                written_bytes=result.bytes_written(),
            )

    def stream(self, sql: bytes, output: str, params: Mapping[str, str]) -> Generator[bytes]:
        """Run a SELECT block by block; closing the iterator ends the query."""
        with _engine_errors():
            result = self._connection.send_query(sql, output, params=dict(params))
        try:
            while True:
                with _engine_errors():
                    block = result.fetch()
                if block is None:
                    return
                yield block.bytes()
        finally:
            result.cancel()

    def insert(self, head: InsertHead, params: Mapping[str, str]) -> "Insert":
        """Open an INSERT whose data come in parts."""
        return Insert(self, head, params, self._incoming)

    def close(self) -> None:
        """Give the connection back; its settings and temporary tables go with it."""
        self._connection.close()


class Insert:
    """An INSERT under way, to be closed: any number of `append`, then `finish`, unless it is given up.

    The data go through a file. The engine's streaming insert reports what it cannot read, but swallows what
    it cannot store: a block of too many partitions, a violated constraint or a full disk end as success
    without a row. Data within a statement's text end at their first empty line, whatever the format.
    """

    def __init__(self, handle: Handle, head: InsertHead, params: Mapping[str, str], folder: Path) -> None:
        self._handle, self._head, self._params = handle, head, params
        self._file = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`

    def append(self, data: bytes) -> None:
        """Take the next bytes; they may end anywhere, even within a row."""
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise EngineError.with_name(243, "NOT_ENOUGH_SPACE", str(error)) from None

    def finish(self) -> Answer:
        """Write everything; when this returns, the rows are on disk."""
        source = f" FROM INFILE {_quote(self._file.name)} COMPRESSION 'none' ".encode()
        statement = [self._head.target, source, self._head.settings, b" FORMAT ", self._head.format.encode()]
        return self._handle.query(b"".join(statement), params=self._params)

    def close(self) -> None:
        """Drop the data."""
        self._file.close()


class Engine:
    """The open data folder."""

    def __init__(self, data: Path, roles: Mapping[str, Sequence[str]] | None = None) -> None:
        """Open `data` (made if missing); raises `LocalError` when another process has it or it is damaged.

        `roles` are those a handle may take: name -> what `access.users_file` grants it.
        """
        # The engine takes its time zone from the environment once, while it loads.
        os.environ["TZ"] = "UTC"
        data.mkdir(parents=True, exist_ok=True)
        _refuse_a_shared_folder(data)
        self._incoming = data / "incoming"
        shutil.rmtree(self._incoming, ignore_errors=True)  # of a process that was killed
        self._incoming.mkdir()
        os.environ["TMPDIR"] = str(self._incoming.resolve())  # the library makes a folder there as it loads
        import chdb

        self._connect = chdb.connect
        self._numbers = itertools.count(1)
        config = _write_configuration(data.resolve(), roles or {})
        self._path = f"{data.resolve()}?config-file={config}&log-level=none"
        try:
            self._first = self.handle()
        except (RuntimeError, EngineError) as error:
            raise LocalError(f"The engine cannot open {data}: {error}") from None
        self.version = str(chdb.engine_version)
        self.vocabulary = Vocabulary(
            frozenset(self._first.names("SELECT name FROM system.functions")),
            tuple(self._first.names("SELECT name FROM system.aggregate_function_combinators")),
            frozenset(self._first.names("SELECT name FROM system.data_type_families")),
        )

    def handle(self) -> Handle:
        """Open a handle: 0.2 ms, so each query has a new one and no setting outlives its query."""
        return Handle(self._connect(self._path), f"handle-{next(self._numbers)}", self._incoming)

    def kill(self, tag: str) -> None:
        """End the running statement of the handle with this tag, if there is one."""
        self._command(f"KILL QUERY WHERE Settings['log_comment'] = {_quote(tag)} ASYNC")

    def kill_all(self) -> None:
        """End every running statement but this one."""
        self._command("KILL QUERY WHERE query NOT LIKE 'KILL%' ASYNC")

    def reload_dictionaries(self) -> None:
        """Read the dictionaries in use anew, as a server does by their LIFETIME and the engine never."""
        self._command("SYSTEM RELOAD DICTIONARIES")

    def close(self) -> None:
        """Close the data folder; no other handle may be in use."""
        self._first.close()

    def _command(self, sql: str) -> None:
        handle = self.handle()
        try:
            handle.query(sql.encode())
        finally:
            handle.close()


def _write_configuration(data: Path, roles: Mapping[str, Sequence[str]]) -> Path:
    """Write the settings and the rights of this start into the folder; returns the main file."""
    users, config = data / "users.xml", data / "config.xml"
    users.write_text(users_file(roles))
    config.write_text(_CONFIG.read_text().replace("{users}", str(users)))
    return config


def _refuse_a_shared_folder(data: Path) -> None:
    """Look at the engine's own lock first: the engine reports a taken one without a reason."""
    try:
        with (data / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return
    except BlockingIOError:
        raise LocalError(f"Another ClickHouse server is running on {data}; stop it first.") from None
