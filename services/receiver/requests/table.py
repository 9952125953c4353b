"""The registry requests in memory, and what the ministry's registry says of their stations."""

import threading
from collections.abc import Set

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import RegistryRequest
from schemas.registry import apply_record
from schemas.registry_requests import follow_registry, registry_version, request_key
from services.receiver.requests.rights import may_speak_for


class RequestTable:
    """Follows the topics ``registry-request`` and ``station-registry``; used by several threads.

    Records come from the topics and, so that the next request of a province meets them at once, from whoever
    has just written them: a request that is older than the one that is known changes nothing.
    """

    def __init__(self, registry: Registry) -> None:
        """``registry`` is kept up to date by :meth:`apply_registry`."""
        self._registry = registry
        self.writing = threading.Lock()
        """Held by whoever writes a request that follows from the one that is known."""
        self._requests: dict[str, RegistryRequest] = {}
        self._entries: dict[str, bytes] = {}
        """The ministry's own, as they stand in its topic, by station."""
        self._changed: set[str] = set()
        self._versions: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
        """By the rights of an account, for as long as no request changes."""
        self._lock = threading.Lock()

    def apply_registry(self, key: bytes, value: bytes | None) -> None:
        """Apply a record of ``station-registry``; raises ``ValueError`` for one that is none."""
        apply_record(self._registry, key, value)
        kind, _, code = key.decode().partition("/")
        if kind not in ("station", "approval"):
            return
        with self._lock:
            self._changed.add(code)
            if kind == "station":
                self._entries.pop(code, None)
                self._entries.update({} if value is None else {code: value})

    def apply_request(self, key: bytes, value: bytes | None) -> None:
        """Apply a record of ``registry-request``; raises ``ValueError`` for one that is none."""
        if value is None:
            with self._lock:
                self._requests.pop(key.decode().removeprefix("station/"), None)
                self._versions = {}
            return
        request = RegistryRequest.model_validate_json(value)
        if request_key(request.station) != key:
            raise ValueError(f"the value belongs to {request_key(request.station)!r}")
        self.put(request)

    def put(self, request: RegistryRequest) -> None:
        """Put a request in, unless a newer one of its station is known."""
        with self._lock:
            before = self._requests.get(request.station)
            if before is None or before.changed_at <= request.changed_at:
                self._requests[request.station] = request
                self._changed.add(request.station)
                self._versions = {}

    def get(self, code: str) -> RegistryRequest | None:
        """Return the request of a station."""
        return self._requests.get(code)

    def first_offset(self, code: str) -> int:
        """Return the offset in the station's partition of ``unapproved-set`` from which sets may wait."""
        request = self._requests.get(code)
        return request.released_offset if request is not None else 0

    def take_changed(self) -> Set[str]:
        """Return the stations of which a record has come since the last call."""
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

    def follow(self, request: RegistryRequest) -> RegistryRequest:
        """Return a request with the state that follows from the ministry's registry as it is now."""
        value = self._entries.get(request.station)
        own = None if value is None else Station.model_validate_json(value)
        return follow_registry(request, own, self._registry.approvals.get(request.station))

    def requests_of(self, account: Account) -> list[RegistryRequest]:
        """Return the requests of the stations that an account may deliver for, by code."""
        requests = sorted(self._snapshot().items())
        return [request for code, request in requests if may_speak_for(code, request.province, account)]

    def version_for(self, account: Account) -> str:
        """Return a text that changes whenever one of these requests changes."""
        rights = account.provinces, account.stations
        # Another thread that changes a request meanwhile begins a new dictionary.
        versions = self._versions
        if rights not in versions:
            versions[rights] = registry_version(self.requests_of(account))
        return versions[rights]

    def province_of(self, code: str) -> str | None:
        """Return the province of a station: as the ministry's registry says, else as it is asked for."""
        station, request = self._registry.stations.get(code), self._requests.get(code)
        if station is not None:
            return station.province
        return None if request is None else request.province

    def keeps_sets(self, code: str) -> bool:
        """Tell whether sets of a station are kept until it is approved: it is asked for and not taken."""
        is_requested = code in self._requests or code in self._registry.approvals
        return is_requested and not self._registry.takes_sets(code)

    def _snapshot(self) -> dict[str, RegistryRequest]:
        with self._lock:
            return dict(self._requests)
