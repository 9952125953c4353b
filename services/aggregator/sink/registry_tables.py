"""The registry as tables for analysts: stations, their parameters, and the limits that hold for them.

The whole topic is read at every start and written anew, with the present standards, so that a station whose
deletion was compacted away while the role was down is removed as well. Rows of a station count from the
version of its row in ``stations``, which is written last: no row says what a station no longer has.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from quantrac.domain.limits import Basis, Limit, LimitBook, basis_of
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.domain.registry.validity import Valid
from quantrac.domain.times import from_seconds, to_milliseconds
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseError, ClickHouseRefused, Result
from quantrac.io.progress import Progress
from quantrac.io.role import Table
from schemas.clickhouse.reference import ALWAYS
from schemas.registry import apply_record

log = logging.getLogger(__name__)

Columns = dict[str, list[Any]]
Apply = Callable[[bytes, bytes | None], None]
DatedLimits = dict[Basis, list[tuple[Limit, datetime, datetime | None]]]
"""By what they follow from: each limit with the time from which and until which it applies."""

NEVER = datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
"""The last second that a DateTime can state."""

# Stations in one block: some 100,000 rows of limits.
_BLOCK = 2_000
_GATHER_SECONDS = 0.5
_ROUND_SECONDS = 5.0


class Database(Protocol):
    """What is needed of :class:`quantrac.io.clickhouse.ClickHouse`."""

    def query(self, sql: str) -> Result:
        """Run one SELECT."""
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block."""
        ...


class RegistryTables:
    """Follows ``station-registry`` and keeps ``stations``, ``station_parameters`` and ``station_limits``.

    A :class:`quantrac.io.role.Table`. Writes from a thread of its own; a ClickHouse that is away is tried
    again and stops nothing. A station that a table cannot hold is logged and left out until its record
    changes; all others are written.
    """

    def __init__(
        self,
        follow: Callable[[Apply], Table],
        database: Database,
        book: LimitBook,
        *,
        clock: Callable[[], datetime],
        retry_seconds: float = 5.0,
        progress: Progress | None = None,
    ) -> None:
        """``follow`` makes the reader of the topic; it hands each record to the function that it gets."""
        self._reader = follow(self._apply)
        self._database, self._book, self._clock = database, book, clock
        self._retry_seconds = retry_seconds
        self._progress = progress or Progress(name="registry tables")
        self._registry = Registry()
        self._pending: set[str] = set()
        self._version: int | None = None
        self._lock = threading.Lock()
        self._news, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="registry-tables", daemon=True)

    def start(self) -> None:
        """Read the topic, then write what it holds; raises ``Unavailable`` if it cannot be read."""
        self._reader.start()
        self._news.set()
        self._thread.start()

    def close(self) -> None:
        """Stop following; what is not written yet is at the next start."""
        self._reader.close()
        self._stop.set()
        self._news.set()
        self._thread.join(timeout=10)

    def problem(self) -> str:
        """Say why the tables may not be what the registry holds; empty = they are."""
        return self._reader.problem() or self._progress.problem()

    def _apply(self, key: bytes, value: bytes | None) -> None:
        apply_record(self._registry, key, value)
        kind, _, name = key.decode().partition("/")
        if kind == "station":
            with self._lock:
                self._pending.add(name)
            self._news.set()

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._progress.round()
            if not self._news.wait(_ROUND_SECONDS):
                continue
            self._stop.wait(_GATHER_SECONDS)
            self._news.clear()
            with self._lock:
                self._progress.begin(len(self._pending))
            try:
                self._write()
            except ClickHouseError as error:
                log.warning("the tables of the registry wait: %s", error)
                self._progress.postpone(str(error))
                self._news.set()
                self._stop.wait(self._retry_seconds)
            else:
                self._progress.end()

    def _write(self) -> None:
        if self._version is None:
            newest = self._database.query("SELECT max(version) FROM stations").rows[0][0]
            stored = {row[0] for row in self._database.query("SELECT code FROM stations FINAL").rows}
            with self._lock:
                self._pending |= stored | set(self._registry.stations)
            self._version = int(newest)
        with self._lock:
            codes, self._pending = sorted(self._pending), set()
        try:
            for first in range(0, len(codes), _BLOCK):
                self._isolate(codes[first : first + _BLOCK])
        except ClickHouseError:
            with self._lock:
                self._pending |= set(codes)
            raise

    def _isolate(self, codes: Sequence[str]) -> None:
        """Write a block; one that a table cannot hold is halved until the station to blame stands alone."""
        try:
            self._write_block(codes)
        except (ClickHouseAway, ClickHouseRefused):
            raise
        except Exception as error:
            if len(codes) == 1:
                log.error("station %s is left out of the tables of the registry: %s", codes[0], error)
                return
            middle = len(codes) // 2
            self._isolate(codes[:middle])
            self._isolate(codes[middle:])

    def _write_block(self, codes: Sequence[str]) -> None:
        # Above what is stored, even where the clock has been put back.
        version = max((self._version or 0) + 1, to_milliseconds(self._clock()))
        entries = {code: self._registry.stations.get(code) for code in codes}
        stations = [station for station in entries.values() if station is not None]
        dated: DatedLimits = {}
        for table, rows in (
            ("station_parameters", [row for station in stations for row in parameter_rows(station)]),
            ("station_limits", [row for s in stations for row in limit_rows(self._book, s, dated)]),
            ("stations", [station_row(code, station) for code, station in entries.items()]),
        ):
            if rows:
                self._database.insert(table, _columns(rows, version))
        self._version = version


def station_row(code: str, station: Station | None) -> dict[str, Any]:
    """Return a row of ``stations`` without its version; ``None`` = the registry has it no more."""
    if station is None:
        # Only the key counts of a row that takes another one out.
        return dict.fromkeys(("name", "name_en", "type", "province"), "") | {
            **{"code": code, "latitude": 0.0, "longitude": 0.0, "interval_seconds": 0, "intervals": []},
            **{"stamps": [], "publish_index": 0, "pollution": [], "valid_from": None, "valid_to": None},
            "removed": 1,
        }
    return {
        "code": station.code,
        "name": station.name,
        "name_en": station.name_en,
        "type": station.type.value,
        "province": station.province,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "interval_seconds": station.interval_seconds,
        "intervals": [(*_span(interval), interval.seconds) for interval in station.intervals],
        "stamps": [
            (from_seconds(offset.start), from_seconds(offset.end), offset.seconds)
            for offset in station.middle_offsets()
        ],
        "publish_index": int(station.publish_index),
        "pollution": [(*_span(entry), entry.kind.value) for entry in station.pollution],
        "valid_from": _clip(station.valid_from),
        "valid_to": _clip(station.valid_to),
        "removed": 0,
    }


def parameter_rows(station: Station) -> list[dict[str, Any]]:
    """Return the rows of ``station_parameters`` without their version."""
    return [
        {
            "station": station.code,
            "parameter": parameter.code,
            "unit": parameter.unit,
            "range_low": parameter.range_low,
            "range_high": parameter.range_high,
            "valid_from": _clip(parameter.valid_from or ALWAYS),
            "valid_to": _clip(parameter.valid_to),
        }
        for parameter in station.parameters
    ]


def limit_rows(book: LimitBook, station: Station, dated: DatedLimits | None = None) -> list[dict[str, Any]]:
    """Return the rows of ``station_limits`` without their version: of the parameters the station measures.

    ``dated`` keeps limits from station to station: to work them out takes 1 ms, and most are judged alike.
    """
    dated = {} if dated is None else dated
    key = basis_of(station)
    if key not in dated:
        dated[key] = list(limits_with_dates(book, station))
    measured = {parameter.code for parameter in station.parameters}
    return [
        {
            "station": station.code,
            "parameter": limit.parameter,
            "period": limit.period.value,
            "standard": limit.standard,
            "column": limit.column,
            "minimum": limit.minimum,
            "maximum": limit.maximum,
            "unit": limit.unit,
            "reference_oxygen": limit.reference_oxygen,
            "source": limit.source,
            "certainty": limit.certainty,
            "valid_from": start,
            "valid_to": end,
        }
        for limit, start, end in dated[key]
        if limit.parameter in measured
    ]


def limits_with_dates(book: LimitBook, station: Station) -> Iterator[tuple[Limit, datetime, datetime | None]]:
    """Yield each limit of a station with the time from which and until which it applies, UTC.

    A limit that goes on across a change of others is one. The first time is 1970 where there is no beginning.
    """
    since: dict[Limit, datetime] = {}
    for at in [ALWAYS, *(change for change in book.changes_of(station) if change > ALWAYS)]:
        holding = book.limits_of(station, at)
        for limit in [limit for limit in since if limit not in holding]:
            yield limit, since.pop(limit), at
        since |= {limit: at for limit in holding if limit not in since}
    for limit, start in since.items():
        yield limit, start, None


def _span(entry: Valid) -> tuple[datetime | None, datetime | None]:
    """Return from when until when an entry is valid; what is open ends where a DateTime does."""
    return _clip(entry.valid_from or ALWAYS), _clip(entry.valid_to or NEVER)


def _clip(at: datetime | None) -> datetime | None:
    """Bring a time into what a DateTime can state."""
    return None if at is None else min(max(at, ALWAYS), NEVER)


def _columns(rows: Iterable[Mapping[str, Any]], version: int) -> Columns:
    columns: Columns = {}
    for row in rows:
        for name, value in {**row, "version": version}.items():
            columns.setdefault(name, []).append(value)
    return columns
