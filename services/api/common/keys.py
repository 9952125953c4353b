"""Who sends a request, and what their key lets them read."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from quantrac.domain.parsing.targets import DEFAULT_ZONE
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.api_keys import ApiKey
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationType
from quantrac.domain.spellings import fold
from quantrac.io.http_guard import mark_authenticated
from schemas.keys import matches, parse_token
from services.api.common.context import ApiContext
from services.api.common.problems import Unauthorized, Unavailable, UnknownStation
from services.api.common.times import time_zone

_HEADER = APIKeyHeader(
    name="X-Api-Key", scheme_name="X-Api-Key", auto_error=False, description="`qk_<id>_<secret>`"
)
_BEARER = HTTPBearer(scheme_name="Bearer", auto_error=False, description="The same key as a bearer token.")


class FileScope(NamedTuple):
    """Which files may be shown."""

    stations: list[str] | None
    """Codes, ``""`` for files of no station; ``None`` = all of these."""
    accounts: list[str] | None
    """Who sent them, where they are of no station; ``None`` = anybody."""


class RequestScope(NamedTuple):
    """Which registry requests may be shown: those of some provinces, and of some stations."""

    is_unlimited: bool
    provinces: list[str]
    stations: list[str]


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller with a valid key; stations that the key is not for do not exist for them."""

    key: ApiKey
    stations: Mapping[str, Station]
    """The registry's, as they stand now."""
    accounts: Sequence[Account] = ()
    """Those of the key that are valid now."""

    def station(self, code: str) -> Station:
        """Return the station of a code, or of one that looks the same; raises :class:`UnknownStation`.

        A closed station's data stay readable.
        """
        station = self.stations.get(code) or self._station_like(code)
        if station is None or not self._may_read(station):
            raise UnknownStation(code)
        return station

    def _station_like(self, code: str) -> Station | None:
        key = fold(code)
        return next((station for station in list(self.stations.values()) if fold(station.code) == key), None)

    def stations_of(self, code: str | None) -> Iterator[Station]:
        """Yield the station of a code, or all that the key may read."""
        if code is not None:
            yield self.station(code)
        else:
            yield from (station for station in list(self.stations.values()) if self.can_read(station.code))

    def can_read(self, code: str) -> bool:
        """Tell whether rows of a station, or of none (``""``), may be shown."""
        station = self.stations.get(code)
        return self.key.is_unlimited or (station is not None and self._may_read(station))

    def can_read_province(self, code: str) -> bool:
        """Tell whether everything of a province may be shown, not only some of its stations."""
        return self.key.is_unlimited or code in self.key.provinces

    def can_read_file(self, station: str, account: str) -> bool:
        """Tell whether a file may be shown, of a station (``""`` = of none) and sent by an account."""
        return self.can_read(station) or (not station and account in self._account_names)

    def _may_read(self, station: Station) -> bool:
        key = self.key
        return (
            key.is_unlimited
            or station.province in key.provinces
            or station.code in key.stations
            or any(station.code in account.stations for account in self.accounts)
        )

    @property
    def _account_names(self) -> list[str]:
        return [account.name for account in self.accounts]

    def visible_stations(
        self, *, type_: StationType | None = None, province: str | None = None
    ) -> list[Station]:
        """Return the stations the key may read, by code."""
        # ``list`` copies in one step of the interpreter, while the registry's thread may add a station.
        return sorted(
            (
                station
                for station in list(self.stations.values())
                if self.can_read(station.code)
                and type_ in (None, station.type)
                and province in (None, station.province)
            ),
            key=lambda station: station.code,
        )

    def scope(self, code: str | None, province: str | None = None) -> list[str] | None:
        """Return whose rows may be shown: the station ``code``, all that are visible, or all rows (``None``).

        ``province`` leaves out every station of another; a station outside it has no rows.
        """
        if code is not None:
            station = self.station(code)
            return [station.code] if province in (None, station.province) else []
        if self.key.is_unlimited and province is None:
            return None
        return [station.code for station in self.visible_stations(province=province)]

    def request_scope(self, code: str | None) -> RequestScope:
        """Return whose registry requests may be shown; a station that is asked for need not be registered.

        Raises :class:`UnknownStation` where ``code`` is a station that the key cannot be for.
        """
        stations = [*self.key.stations, *(code for account in self.accounts for code in account.stations)]
        if code is not None and not self.key.is_unlimited and code not in stations:
            if code in self.stations:
                self.station(code)
            elif not self.key.provinces:
                raise UnknownStation(code)
        return RequestScope(self.key.is_unlimited, list(self.key.provinces), stations)

    def file_scope(self, code: str | None, *, unassigned: bool = False) -> FileScope:
        """Return which files may be shown: of the station ``code`` or of all that are visible.

        Files of no station are among the latter, and are all there is with ``unassigned``: those of the key's
        accounts, or of anybody to a key that reads all.
        """
        if self.key.is_unlimited:
            return FileScope([""] if unassigned else self.scope(code), None)
        names = self._account_names
        stations = [] if unassigned else self.scope(code) or []
        return FileScope([*stations, ""] if names and code is None else stations, names)

    def zone(self, code: str) -> ZoneInfo:
        """Return the zone of a station's clock; Vietnam's where the registry no longer has the station."""
        station = self.stations.get(code)
        return time_zone(station.timezone) if station is not None else DEFAULT_ZONE


def authenticate(token: str | None, registry: Registry, time: datetime) -> ApiKey:
    """Return the key a token belongs to, if valid at ``time`` (UTC); raises :class:`Unauthorized`."""
    if not token:
        raise Unauthorized("Send a key as X-Api-Key, or as Authorization: Bearer.")
    parts = parse_token(token)
    key = registry.api_key(parts[0], time) if parts else None
    if key is None or not matches(token, key):
        raise Unauthorized("This key is unknown, expired or withdrawn.")
    return key


async def authenticate_request(
    request: Request,
    context: ApiContext,
    header: Annotated[str | None, Security(_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Reader:
    """Return the caller of a request; raises :class:`Unauthorized`.

    Raises :class:`Unavailable` before the registry has been read, when every key would be unknown.
    """
    if not context.is_registry_read():
        raise Unavailable("The station registry has not been read yet.")
    token = header or (bearer.credentials if bearer else None)
    registry, now = context.registry, context.clock()
    key = authenticate(token, registry, now)
    mark_authenticated(request.scope)
    accounts = [account for name in key.accounts if (account := registry.account(name, now)) is not None]
    return Reader(key, registry.stations, accounts)


CurrentReader = Annotated[Reader, Depends(authenticate_request)]
"""Parameter of an operation: the caller, whose key is valid."""


async def _hold_slot(context: ApiContext, reader: CurrentReader) -> AsyncIterator[None]:
    async with context.slots.hold(reader.key.id):
        yield


KEY_SLOT = Depends(_hold_slot, scope="function")
"""Dependency of an operation: waits for a slot of its caller, which is freed before the answer is sent."""
