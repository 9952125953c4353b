"""The registry requests as the commands read them: from their topics, with what waits from the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantrac.cli.registry_topic import follow, read_registry
from quantrac.cli.target import Target

if TYPE_CHECKING:  # the clients are imported when something is asked of them: half a second
    from quantrac.domain.registry.registry import Registry
    from schemas.messages.registry_requests import RegistryRequest


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the ministry keeps of a station until it is approved."""

    sets: int = 0
    readings: int = 0


@contextmanager
def read_requests(target: Target) -> "Iterator[tuple[dict[str, RegistryRequest], Registry]]":
    """Read the requests by station, and the registry.

    At a province they stand as they were answered, at the ministry as follows from its registry by now.
    """
    from schemas.messages.registry.stations import Station
    from schemas.messages.registry_requests import RegistryRequest
    from schemas.registry_requests import follow_registry

    values: dict[bytes, bytes | None] = {}
    records: dict[bytes, bytes] = {}
    with (
        follow(target, target.topic("registry-request"), values.__setitem__),
        read_registry(target, records) as registry,
    ):
        requests = {}
        for value in filter(None, values.values()):
            request = RegistryRequest.model_validate_json(value)
            requests[request.station] = request
            if target.tier == "province":
                continue
            record = records.get(f"station/{request.station}".encode())
            own = None if record is None else Station.model_validate_json(record)
            requests[request.station] = follow_registry(request, own, registry.approvals.get(request.station))
        yield dict(sorted(requests.items())), registry


def count_waiting(target: Target) -> dict[str, Waiting]:
    """Return what waits at the ministry by station, as far as it is stored; raises ``ClickHouseError``."""
    from quantrac.io.clickhouse import ClickHouse

    rows = ClickHouse(target.clickhouse).query("SELECT station, sets, readings FROM waiting_sets").rows
    return {station: Waiting(int(sets), int(readings)) for station, sets, readings in rows}
