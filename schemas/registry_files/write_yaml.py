"""Records as the text of a YAML file, defaults left out."""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import yaml

from quantrac.domain.times import UTC_7, VIETNAM
from schemas.messages.base import Message
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry_files.fields import Field, Kind, fields_by_name

_WIDTH = 110


def write_yaml(records: Iterable[Station | Account]) -> str:
    """Return a file that ``load_directory`` reads as these records."""
    lists: dict[str, list[dict[str, Any]]] = {"stations": [], "accounts": []}
    for record in records:
        lists["stations" if isinstance(record, Station) else "accounts"].append(_entry(record))
    content = {key: entries for key, entries in lists.items() if entries}
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH)


class _Row(dict[str, Any]):
    """A mapping that stands in one line."""


class _Texts(list[str]):
    """A list that stands in one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_key(name: str, field: Field, value: Any) -> str:
    """Return one key with its value in one line: ``file_names: [PM-2-5]``."""
    text = yaml.dump(
        _Row({name: _plain(field, value)}),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=sys.maxsize,
    )
    return text.strip().removeprefix("{").removesuffix("}")


def _entry(record: Message) -> dict[str, Any]:
    """Return what differs from the defaults, and what has none."""
    entry: dict[str, Any] = {}
    for name, field in fields_by_name(type(record)).items():
        value = getattr(record, name)
        if field.is_required or value != field.default:
            entry[name] = _plain(field, value)
    return entry


def _plain(field: Field, value: Any) -> Any:
    """Return a value of a record as YAML has it."""
    plain: Mapping[Kind, Callable[[Any], Any]] = {
        Kind.RECORDS: lambda children: [_row(_entry(child)) for child in children],
        Kind.RECORD: lambda child: _Row(_entry(child)),
        Kind.TIME: _time,
        Kind.TEXTS: _Texts,
        Kind.NUMBERS: lambda numbers: _Row({name: _number(number) for name, number in numbers.items()}),
        Kind.NUMBER: _number,
        Kind.CHOICE: str,
    }
    return plain[field.kind](value) if field.kind in plain else value


def _row(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a record in one line where no list of records is in it."""
    has_rows = any(
        isinstance(value, list) and value and isinstance(value[0], dict) for value in entry.values()
    )
    return entry if has_rows else _Row(entry)


def _number(value: float) -> float:
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _time(value: datetime) -> date | str:
    """Return midnight in Vietnam as a date, another time as a text with its zone."""
    local = value.astimezone(UTC_7)
    day = local.date()
    is_midnight = datetime.combine(day, time(), VIETNAM).astimezone(UTC) == value
    return day if is_midnight else local.isoformat(" ")


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # Outside double quotes PyYAML takes these for line breaks, which are folded.
    style = '"' if any(sign in text for sign in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_mapping("tag:yaml.org,2002:map", row, flow_style=True)
)
_Dumper.add_representer(
    _Texts, lambda dumper, texts: dumper.represent_sequence("tag:yaml.org,2002:seq", texts, flow_style=True)
)
