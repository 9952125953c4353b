"""Topic ``registry-request``: a state of a request becomes a row of ``registry_requests``."""

from collections.abc import Mapping, Sequence

from quantrac.io.records import Record
from schemas.messages.registry.stations import Station
from schemas.messages.registry_requests import RegistryRequest
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables

_AS_THEY_ARE = (
    *("station", "province", "account", "version", "takes_sets", "reason", "decided_by", "decided_at"),
    *("sent_at", "changed_at", "released_at"),
)


def _decode(record: Record) -> RegistryRequest:
    return RegistryRequest.model_validate_json(record.value or b"")


def _columns(requests: Sequence[RegistryRequest], _database: Database) -> Mapping[str, Columns]:
    return {"registry_requests": request_columns(requests)}


def request_columns(requests: Sequence[RegistryRequest]) -> Columns:
    """Return the columns of ``registry_requests``."""
    if not requests:
        return {}
    return {
        **{name: [getattr(request, name) for request in requests] for name in _AS_THEY_ARE},
        "state": [request.state.value for request in requests],
        "entry": [_text(request.entry) for request in requests],
        "ministry_entry": [_text(request.ministry_entry) for request in requests],
    }


def _text(entry: Station | None) -> str:
    return "" if entry is None else entry.model_dump_json(exclude_defaults=True)


TABLES = TopicTables(_decode, _columns)
