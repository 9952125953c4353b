"""What two records of the registry say differently, in the words of its files."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from itertools import zip_longest
from typing import Any, TypeAlias

from pydantic import BaseModel

from quantrac.cli.shown_times import show_short

_Fields: TypeAlias = Mapping[str, Any]
"""A record or an entry of one: key -> value."""

_SECRETS = frozenset({"password_hash", "previous_password"})
_NAMES = "code", "parameter", "standard", "kind", "at", "minutes", "written", "start", "why"
"""Keys whose value tells an entry from others of its list: the first of them that it has."""
_ABSENT = None


def fields_to_compare(record: BaseModel) -> _Fields:
    """Return all keys of a record with their values; entries in it only with what is not as by default."""
    return record.model_dump() | record.model_dump(exclude_defaults=True)


def differences(before: _Fields, after: _Fields) -> Iterator[str]:
    """Yield what changes, key by key.

    >>> list(differences({"interval_minutes": 15.0}, {"interval_minutes": 5.0, "aliases": ("A",)}))
    ['interval_minutes 15 → 5', 'aliases none → A']
    """
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if old == new:
            continue
        if _is_list_of_entries(old) and _is_list_of_entries(new) and (old or new):
            yield from _differences_of_lists(key, old or (), new or ())
        elif key in _SECRETS:
            yield f"{key} changed"
        elif key == "valid_to" and old is _ABSENT:
            yield f"ends {write_value(new)}"
        else:
            yield f"{key} {write_value(old)} → {write_value(new)}"


def write_value(value: Any) -> str:
    """Write a value as the files have it, a time in Vietnam's.

    >>> write_value({"minutes": 5.0, "at": "end"}), write_value(())
    ('{minutes: 5, at: end}', 'none')
    """
    match value:
        case None | () | []:
            text = "none"
        case datetime():
            text = show_short(value)
        case Enum():
            text = str(value.value)
        case bool():
            text = str(value).lower()
        case float():
            text = f"{value:g}"
        case Mapping():
            text = f"{{{', '.join(f'{key}: {write_value(part)}' for key, part in value.items())}}}"
        case list() | tuple():
            text = ", ".join(map(write_value, value))
        case _:
            text = str(value)
    return text


def _is_list_of_entries(value: object) -> bool:
    if value is _ABSENT:
        return True
    return isinstance(value, list | tuple) and all(isinstance(entry, Mapping) for entry in value)


def _differences_of_lists(key: str, before: Sequence[_Fields], after: Sequence[_Fields]) -> Iterator[str]:
    """Yield the entries that change, are added or taken out; those of one name are compared in order."""
    removed = [entry for entry in before if entry not in after]
    added = [entry for entry in after if entry not in before]
    for name in dict.fromkeys(map(_name, (*removed, *added))):
        pairs = zip_longest(
            (entry for entry in removed if _name(entry) == name),
            (entry for entry in added if _name(entry) == name),
        )
        for old, new in pairs:
            if old is None:
                yield f"{key}: added {write_value(new)}"
            elif new is None:
                yield f"{key}: taken out {write_value(old)}"
            else:
                yield f"{key} {name}: {', '.join(differences(old, new))}"


def _name(entry: _Fields) -> str:
    return next((write_value(entry[key]) for key in _NAMES if key in entry), "")
