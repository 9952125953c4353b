"""Decides what an upload becomes on raw-file: its station, its headers, its lane. Opens no socket."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from quantrac.domain.assignment import assign_station
from quantrac.domain.file_names import check_file_name, check_folder
from quantrac.domain.ids import traceparent
from quantrac.domain.parsing import DEFAULT_ZONE, file_time
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.io.records import Record
from schemas.messages.raw_file import RawFileHeaders

TRUNCATED = "truncated"
"""Mark of a file whose transfer was cut and never resumed."""
NOT_RENAMED = "not-renamed"
"""Mark of a whole file whose sender never gave it its final name."""


class RisingClock:
    """Times of receipt: UTC in whole milliseconds, each one later than the one before in this process.

    Together with the station, such a time names one file, and it is the version of the file's readings.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._last = clock, 0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the next time of receipt."""
        with self._lock:
            self._last = max(int(self._clock().timestamp() * 1000), self._last + 1)
            return datetime.fromtimestamp(self._last / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as an account sent it."""

    account: Account
    path: str
    """Folder below the account's root, as sent."""
    name: str
    content: bytes
    transport: str
    """``ftp``, ``http``, ..."""
    marks: tuple[str, ...] = ()
    """How its transfer ended, where not well: :data:`TRUNCATED`, :data:`NOT_RENAMED`."""


class IntakeHandler:
    """Decides which station a file belongs to, and which topic takes it."""

    def __init__(
        self,
        registry: Registry,
        topic: str,
        *,
        backlog: str = "",
        late_after: timedelta = timedelta(hours=6),
    ) -> None:
        """Files measured longer ago than ``late_after`` go to the topic ``backlog``, where there is one."""
        self._registry, self._topic = registry, topic
        self._backlog, self._late_after = backlog, late_after

    def record(self, upload: Upload, file_id: str, received_at: datetime) -> Record:
        """Return the ``raw-file`` message; raises ``ValueError`` for a file name that cannot be kept."""
        check_file_name(upload.name)
        check_folder(upload.path)
        stations = list(self._registry.stations_of(upload.account, received_at))
        station = assign_station(upload.name, stations, upload.path)
        try:
            headers = RawFileHeaders(
                file_id=file_id,
                name=upload.name,
                path=upload.path,
                account=upload.account.name,
                transport=upload.transport,
                received_at=received_at,
                traceparent=traceparent(file_id),
                station=station.code if station else None,
                marks=",".join(upload.marks) or None,
            ).to_headers()
        except (ValidationError, UnicodeEncodeError) as error:
            raise ValueError(f"the file name {upload.name!r:.80} cannot be kept") from error
        key = station.code if station else upload.account.name
        return Record(self._lane(upload, station, received_at), key.encode(), upload.content, headers)

    def _lane(self, upload: Upload, station: Station | None, received_at: datetime) -> str:
        if not self._backlog:
            return self._topic
        zone = ZoneInfo(station.timezone) if station else DEFAULT_ZONE
        measured_at = file_time(upload.name, upload.content, zone)
        is_late = measured_at is not None and received_at - measured_at > self._late_after
        return self._backlog if is_late else self._topic
