"""The registry: its records in the topic, and the YAML files they come from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry_problems import problems_of
from quantrac.domain.spellings import did_you_mean, fold
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
from schemas.yaml_lines import line_of

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
    """Read every ``*.yaml`` of a folder; raises ``UserError`` naming file, place and key."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise UserError(f"{directory}: no *.yaml file in this folder")
    entries = [entry for file in files for entry in _load_file(file)]
    _check_references(entries)
    return [record for record, _ in entries]


def to_registry(records: Sequence[Record]) -> Registry:
    """Build an in-memory registry from records, as a service would from the topic."""
    registry = Registry()
    for record in records:
        apply_record(registry, record_key(record), record.model_dump_json().encode())
    return registry


@dataclass(frozen=True, slots=True)
class _Location:
    """Where a record stands."""

    file: str
    text: str
    """Of the whole file."""
    key: str
    index: int
    """In the list of its kind, from 0."""

    def line(self, path: Sequence[str | int] = ()) -> int:
        """Return the line of the record, or of what stands in it at a path counted from 0."""
        return line_of(self.text, (self.key, self.index, *path))

    def problem(self, name: str, sentence: str) -> UserError:
        """Return what to raise about a record of that name."""
        return UserError(f"{self.file}: {self.key}[{self.index + 1}] {name}: {sentence}")

    def __str__(self) -> str:
        return f"{self.file}, line {self.line()}"


def _load_file(file: Path) -> Iterator[tuple[Record, _Location]]:
    try:
        text = file.read_text(encoding="utf-8")
        content = load_yaml(text)
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2026-02-30 is a ValueError
        raise UserError(f"{file.name}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file.name}: expected the keys {' and '.join(_FILE_KEYS)}")
    for key, entries in content.items():
        if key not in _FILE_KEYS:
            raise UserError(f"{file.name}: unknown key {key!r}{nearest(key, _FILE_KEYS)}")
        if not isinstance(entries, list | None):
            raise UserError(f"{file.name}: {key}: expected a list")
        for index, entry in enumerate(entries or ()):
            location = _Location(file.name, text, key, index)
            yield _validate(_FILE_KEYS[key], entry, location), location


def _validate(model: type[Station] | type[Account], entry: object, location: _Location) -> Record:
    name = str(entry.get("code", entry.get("name", ""))) if isinstance(entry, dict) else ""
    try:
        record = model.model_validate(entry)
    except ValidationError as error:
        raise location.problem(name, first_problem(error, model)) from error
    if isinstance(record, Station):
        station = record.to_domain()
        if problem := next(problems_of(station), None):
            path = [part - 1 if isinstance(part, int) else part for part in problem.path]
            raise location.problem(name, f"{problem} (line {location.line(path)})")
        if problems := load_national().problems_of(station) if station.permits else []:
            raise location.problem(name, "; ".join(problems))
    return record


def _check_references(entries: Sequence[tuple[Record, _Location]]) -> None:
    first_by_key: dict[str, tuple[bytes, _Location]] = {}
    for record, location in entries:
        key = record_key(record)
        # Files of stations are told apart by codes, whatever only looks different in them.
        lookup_key = fold(key.decode()) if isinstance(record, Station) else key.decode()
        first_key, first = first_by_key.setdefault(lookup_key, (key, location))
        if first is not location:
            twice = "is defined twice" if key == first_key else f"looks the same as {first_key.decode()}"
            raise UserError(f"{key.decode()} {twice}: {first} and {location}")
    codes = {record.code: record for record, _ in entries if isinstance(record, Station)}
    for record, location in entries:
        if isinstance(record, Account):
            for number, code in enumerate(record.stations):
                if code not in codes:
                    raise UserError(
                        f"account/{record.name}: station {code!r} is not defined{did_you_mean(code, codes)} "
                        f"({location.file}, line {location.line(('stations', number))})"
                    )
