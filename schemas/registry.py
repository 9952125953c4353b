"""The registry: its records in the topic, and the YAML files they come from."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from quantrac.domain.stations import Registry
from schemas.messages.base import Message
from schemas.messages.registry import (
    Account,
    AccountLimits,
    Activation,
    ApiKey,
    Decision,
    Interval,
    Maintenance,
    Permit,
    PermitLimit,
    Station,
    StationParameter,
    UnitOverride,
    WarningLevels,
)

Record = Station | Account | ApiKey | Activation | Decision

_KINDS: dict[str, type[Record]] = {
    "station": Station,
    "account": Account,
    "api-key": ApiKey,
    "rules": Activation,
    "decision": Decision,
}
_FILE_KEYS: dict[str, type[Station] | type[Account]] = {"stations": Station, "accounts": Account}

_NESTED: dict[str, type[Message]] = {
    "parameters": StationParameter,
    "intervals": Interval,
    "maintenance": Maintenance,
    "permits": Permit,
    "permits.limits": PermitLimit,
    "parameters.unit_override": UnitOverride,
    "parameters.warning_levels": WarningLevels,
    "limits": AccountLimits,
}


def record_key(record: Record) -> bytes:
    """Return the topic key of a record: its kind and id."""
    match record:
        case Station():
            return f"station/{record.code}".encode()
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
    found: Any = None
    if value is not None:
        record = _KINDS[kind].model_validate_json(value)
        if record_key(record) != key:
            raise ValueError(f"the value belongs to {record_key(record)!r}")
        found = record.to_domain()
    match kind:
        case "rules":
            registry.activate(name, found)
        case "decision":
            registry.decide(name, found)
        case _:
            tables: dict[str, dict[str, Any]] = {
                "station": registry.stations,
                "account": registry.accounts,
                "api-key": registry.api_keys,
            }
            if found is None:
                tables[kind].pop(name, None)
            else:
                tables[kind][name] = found


def load_directory(directory: Path) -> list[Record]:
    """Read every ``*.yaml`` of a folder; raises ``ValueError`` naming file, place and key in one sentence."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise ValueError(f"{directory}: no *.yaml file in this folder")
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
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file.name}: expected the keys {' and '.join(_FILE_KEYS)}")
    for key, entries in content.items():
        if key not in _FILE_KEYS:
            raise ValueError(f"{file.name}: unknown key {key!r}{_nearest(key, _FILE_KEYS)}")
        for number, entry in enumerate(entries or (), start=1):
            yield _validated(_FILE_KEYS[key], entry, f"{file.name}: {key}[{number}]")


def _validated(model: type[Station] | type[Account], entry: object, where: str) -> Record:
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        # A misspelt key comes with "missing" for the one it should have been; the misspelling says more.
        problems = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        first = problems[0]
        path = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        name = entry.get("code", entry.get("name", "")) if isinstance(entry, dict) else ""
        problem = first["msg"]
        if first["type"] == "extra_forbidden":
            problem = f"unknown key{_nearest(str(first['loc'][-1]), _keys_at(model, first['loc'][:-1]))}"
        raise ValueError(f"{where} {name}: {path}: {problem}") from error


def _keys_at(model: type[Message], path: Sequence[int | str]) -> list[str]:
    names = [part for part in path if isinstance(part, str)]
    return list((_NESTED[".".join(names)] if names else model).model_fields)


def _nearest(key: object, valid: Any) -> str:
    close = difflib.get_close_matches(str(key), list(valid), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; valid keys: {', '.join(valid)}"


def _check_references(records: Sequence[Record]) -> None:
    seen: set[bytes] = set()
    for record in records:
        if record_key(record) in seen:
            raise ValueError(f"{record_key(record).decode()} is defined twice")
        seen.add(record_key(record))
    for record in records:
        if isinstance(record, Account):
            for code in record.stations:
                if f"station/{code}".encode() not in seen:
                    raise ValueError(f"account/{record.name}: station {code!r} is not defined")
