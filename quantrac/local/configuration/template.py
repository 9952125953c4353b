"""Writes a configuration file: every key with its comment, those without a value commented out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from quantrac.local.configuration.keys import KEYS, SECTIONS
from schemas.yaml_documents import DocumentError, read_document

_HEAD = """\
# Quantrac on this machine. `quantrac up` reads this file when it starts; `quantrac up --check` names every
# mistake in it. Paths are relative to this folder, which holds all that is kept: back it up, move it whole.
# What each part is for, from the first day on: docs/operating.md.
#
# Who may do what:
#   stations              accounts in the registry (`quantrac registry import`): send their own files only
#   programs, people      keys (`quantrac keys create --owner NAME [--province CODE]`): read the API
#   analysts              one login (`clickhouse.analysts`): read the database, change nothing
#   who starts this       the user of this folder: reads and may change everything
"""

_FREE: dict[str, dict[str, Any]] = {
    "retention": {"raw-file": 60, "qa-flagged": 30},
    "settings": {"QUANTRAC_LOG_LEVEL": "INFO"},
}
"""Section whose keys are names of topics or variables → what is shown of it, with the defaults."""


def write_template(values: Mapping[str, Any]) -> str:
    """Return the text of a file with these values by key (``ftp.port``), and the other keys of its tier."""
    return "\n".join([_HEAD, *_keys("tier", values), "", *_sections(values)])


def _sections(values: Mapping[str, Any]) -> Iterator[str]:
    tier = str(values.get("tier", "province"))
    for section, comment in SECTIONS.items():
        if section not in _FREE and not any(key.section == section and key.is_of(tier) for key in KEYS):
            continue
        # A section without a key asks for nothing, so its title need not be commented out.
        yield "\n".join([*_comment(comment, ""), f"{section}:", *_keys(section, values), ""])


def _keys(section: str, values: Mapping[str, Any]) -> Iterator[str]:
    for key in KEYS:
        if key.section == section and key.is_of(str(values.get("tier", "province"))):
            yield from _comment(key.comment, "" if key.name == section else "  ")
            yield _line(key.name, values, key.example)
    free = _FREE.get(section, {})
    names = dict.fromkeys([*(f"{section}.{name}" for name in free)])
    names |= dict.fromkeys(name for name in values if section in _FREE and name.startswith(f"{section}."))
    for name in names:
        yield _line(name, values, free.get(name.partition(".")[2]))


def _line(name: str, values: Mapping[str, Any], example: Any) -> str:
    section, _, key = name.partition(".")
    indent = "  " if key else ""
    if name in values:
        return f"{indent}{key or section}: {_scalar(values[name])}"
    return f"#{indent}{key or section}: {_scalar(example)}"


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in text.splitlines()]


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Tell whether YAML reads a text without quotes as that text."""
    try:
        return bool(read_document(f"key: {text}").value == {"key": text})
    except DocumentError:
        return False
