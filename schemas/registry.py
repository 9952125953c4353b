"""The registry: its records in the topic, and the YAML files they come from."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from quantrac.domain.registry.registry import Registry
from quantrac.errors import UserError
from schemas.codecs.station import decode_station
from schemas.limits import load_national
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.activations import Activation
from schemas.messages.registry.api_keys import ApiKey
from schemas.messages.registry.decisions import Decision
from schemas.messages.registry.stations import Station
from schemas.validation_errors import first_problem, nearest
from schemas.yaml_files import load_yaml

Record = Station | Account | ApiKey | Activation | Decision

_KINDS: dict[str, type[Record]] = {
    "station": Station,
    "account": Account,
    "api-key": ApiKey,
    "rules": Activation,
    "decision": Decision,
}
_FILE_KEYS: dict[str, type[Station] | type[Account]] = {"stations": Station, "accounts": Account}


def station_key(code: str) -> bytes:
    """Return the topic key of a station's record."""
    return f"station/{code}".encode()


def record_key(record: Record) -> bytes:
    """Return the topic key of a record: its kind and id."""
    match record:
        case Station():
            return station_key(record.code)
        case Account():
            return f"account/{record.name}".encode()
        case ApiKey():
            return f"api-key/{record.id}".encode()
        case Activation():
            return f"rules/{record.id}".encode()
        case Decision():
            return f"decision/{record.id}".encode()


def apply_record(registry: Registry, key: bytes, value: bytes | None) -> None:
    """Put one record of the topic into ``registry``, or take it out when ``value`` is ``None``.

    Raises ``ValueError`` when the key or the value is not a registry record.
    """
    kind, _, name = key.decode().partition("/")
    if kind not in _KINDS or not name:
        raise ValueError(f"unknown kind of record {key!r}")
    entry: Any = None
    if value is not None:
        if kind == "station":
            entry = decode_station(value)
            own_key = station_key(entry.code)
        else:
            record = _KINDS[kind].model_validate_json(value)
            entry, own_key = record.to_domain(), record_key(record)
        if own_key != key:
            raise ValueError(f"the value belongs to {own_key!r}")
    match kind:
        case "station":
            registry.put_station(name, entry)
        case "rules":
            registry.activate(name, entry)
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


def load_directory(directory: Path) -> list[Record]:
    """Read every ``*.yaml`` of a folder; raises ``UserError`` naming file, place and key in one sentence."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise UserError(f"{directory}: no *.yaml file in this folder")
    records = [record for file in files for record in _load_file(file)]
    _check_references(records)
    return records


def to_registry(records: Sequence[Record]) -> Registry:
    """Build an in-memory registry from records, as a service would from the topic."""
    registry = Registry()
    for record in records:
        apply_record(registry, record_key(record), record.model_dump_json().encode())
    return registry


def _load_file(file: Path) -> Iterator[Record]:
    try:
        content = load_yaml(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2026-02-30 is a ValueError
        raise UserError(f"{file.name}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file.name}: expected the keys {' and '.join(_FILE_KEYS)}")
    for key, entries in content.items():
        if key not in _FILE_KEYS:
            raise UserError(f"{file.name}: unknown key {key!r}{nearest(key, _FILE_KEYS)}")
        if not isinstance(entries, list | None):
            raise UserError(f"{file.name}: {key}: expected a list")
        for number, entry in enumerate(entries or (), start=1):
            yield _validate(_FILE_KEYS[key], entry, f"{file.name}: {key}[{number}]")


def _validate(model: type[Station] | type[Account], entry: object, where: str) -> Record:
    name = entry.get("code", entry.get("name", "")) if isinstance(entry, dict) else ""
    try:
        record = model.model_validate(entry)
    except ValidationError as error:
        raise UserError(f"{where} {name}: {first_problem(error, model)}") from error
    if isinstance(record, Station) and record.permits:
        problems = load_national().problems_of(record.to_domain())
        if problems:
            raise UserError(f"{where} {name}: {'; '.join(problems)}")
    return record


def _check_references(records: Sequence[Record]) -> None:
    keys: set[bytes] = set()
    for record in records:
        if record_key(record) in keys:
            raise UserError(f"{record_key(record).decode()} is defined twice")
        keys.add(record_key(record))
    for record in records:
        if isinstance(record, Account):
            for code in record.stations:
                if f"station/{code}".encode() not in keys:
                    raise UserError(f"account/{record.name}: station {code!r} is not defined")
