"""Records as the text of a YAML file, defaults left out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import yaml

from quantrac.domain.times import VIETNAM, VIETNAM_OFFSET
from schemas.messages.base import Message
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry_files.fields import Kind, fields_by_name

_WIDTH = 110
_UTC7 = timezone(timedelta(seconds=VIETNAM_OFFSET))


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


def _entry(record: Message) -> dict[str, Any]:
    """Return what differs from the defaults, and what has none."""
    entry: dict[str, Any] = {}
    for name, field in fields_by_name(type(record)).items():
        value = getattr(record, name)
        if not field.is_required and value == field.default:
            continue
        match field.kind:
            case Kind.RECORDS:
                entry[name] = [_row(_entry(child)) for child in value]
            case Kind.RECORD:
                entry[name] = _Row(_entry(value))
            case Kind.TIME:
                entry[name] = _time(value)
            case Kind.TEXTS:
                entry[name] = _Texts(value)
            case Kind.NUMBERS:
                entry[name] = _Row({key: _number(number) for key, number in value.items()})
            case Kind.NUMBER:
                entry[name] = _number(value)
            case Kind.CHOICE:
                entry[name] = str(value)
            case _:
                entry[name] = value
    return entry


def _row(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a record in one line where no list of records is in it."""
    has_rows = any(
        isinstance(value, list) and value and isinstance(value[0], dict) for value in entry.values()
    )
    return entry if has_rows else _Row(entry)


def _number(value: float) -> float:
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _time(value: datetime) -> date:
    """Return midnight in Vietnam as a date."""
    local = value.astimezone(_UTC7)
    day = local.date()
    is_midnight = datetime.combine(day, time(), VIETNAM).astimezone(UTC) == value
    return day if is_midnight else local


_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_mapping("tag:yaml.org,2002:map", row, flow_style=True)
)
_Dumper.add_representer(
    _Texts, lambda dumper, texts: dumper.represent_sequence("tag:yaml.org,2002:seq", texts, flow_style=True)
)
