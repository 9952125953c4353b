"""The registry: its records in the topic, and the files they come from."""

from collections.abc import Sequence
from typing import Any

from quantrac.domain.registry.registry import Registry
from schemas.codecs.station import decode_station
from schemas.messages.registry.records import KINDS, Record, record_key, station_key
from schemas.registry_files.folder import load_directory

__all__ = ["Record", "apply_record", "load_directory", "record_key", "station_key", "to_registry"]


def apply_record(registry: Registry, key: bytes, value: bytes | None) -> None:
    """Put one record of the topic into ``registry``, or take it out when ``value`` is ``None``.

    Raises ``ValueError`` when the key or the value is not a registry record.
    """
    kind, _, name = key.decode().partition("/")
    if kind not in KINDS or not name:
        raise ValueError(f"unknown kind of record {key!r}")
    entry: Any = None
    if value is not None:
        if kind == "station":
            entry = decode_station(value)
            own_key = station_key(entry.code)
        else:
            record = KINDS[kind].model_validate_json(value)
            entry, own_key = record.to_domain(), record_key(record)
        if own_key != key:
            raise ValueError(f"the value belongs to {own_key!r}")
    match kind:
        case "station":
            registry.put_station(name, entry)
        case "rules":
            registry.activate(name, entry)
        case "approval":
            registry.put_approval(name, entry)
        case "decision":
            registry.decide(name, entry)
        case _:
            tables: dict[str, dict[str, Any]] = {
                "account": registry.accounts,
                "api-key": registry.api_keys,
            }
            if entry is None:
                tables[kind].pop(name, None)
            else:
                tables[kind][name] = entry


def to_registry(records: Sequence[Record]) -> Registry:
    """Build an in-memory registry from records, as a service would from the topic."""
    registry = Registry()
    for record in records:
        apply_record(registry, record_key(record), record.model_dump_json().encode())
    return registry
