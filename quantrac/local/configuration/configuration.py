"""Reads the configuration file; what is wrong in it is kept with its line, to be told all at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from quantrac.domain.spellings import suggest
from quantrac.local.configuration.keys import BY_NAME, KEYS, PORTS, ROLE_SECTIONS, SECTIONS, Kind
from quantrac.local.configuration.mistakes import Mistake
from quantrac.local.configuration.secret_lines import read_secrets
from schemas.yaml_documents import read_document
from schemas.yaml_files import load_yaml

FILE_NAME = "quantrac.yaml"

_OTHERS_MAY_READ = 0o077


@dataclass(frozen=True)
class Configuration:
    """The values of one file by key (``ftp.port``); what cannot be used is among ``mistakes`` instead.

    ``folder`` is the data folder, to which paths are relative. A folder without a file has no values.
    """

    folder: Path
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()

    @classmethod
    def read(cls, folder: Path, file: Path | None = None) -> "Configuration":
        """Read the folder's file, or another one as if it were that; raises ``OSError``."""
        file = file or folder / FILE_NAME
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(folder)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            return cls(folder, mistakes=(Mistake(line, "", f"line {line} is not UTF-8"),))
        values, mistakes = _Reader(folder, text).read()
        return cls(folder, text, values, tuple(mistakes))

    @property
    def file(self) -> Path:
        """The file."""
        return self.folder / FILE_NAME

    def has(self, section: str) -> bool:
        """Tell whether the file asks for what a section is about."""
        return any(name.startswith(f"{section}.") for name in self.values)

    def text_of(self, key: str, default: str = "") -> str:
        """Return a value as text."""
        return str(self.values.get(key, default))

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of its section, or 1."""
        return read_document(self.text).line(key.split(".", 1)) if self.text else 1

    @property
    def ports(self) -> dict[str, int]:
        """Name of a port → its number, for the ports that the file fixes."""
        return {name: self.values[key] for key, name in PORTS.items() if key in self.values}

    @property
    def retention_days(self) -> dict[str, int]:
        """Topic → days its messages are kept, for the topics that the file names."""
        return {
            key.removeprefix("retention."): days
            for key, days in self.values.items()
            if key.startswith("retention.")
        }

    @cached_property
    def variables(self) -> dict[str, str]:
        """Variable of the services' settings → the key that sets it."""
        by_key = {key.variable: key.name for key in KEYS if key.variable and key.name in self.values}
        return by_key | {name.partition(".")[2]: name for name in self.values if name.startswith("settings.")}

    def environment(self, role: str) -> dict[str, str]:
        """Return the variables of one role (``service.role``), secrets included. Raises ``OSError``."""
        environment = {}
        for variable, key in self.variables.items():
            section = key.partition(".")[0]
            if role in ROLE_SECTIONS.get(section, (role,)):
                environment[variable] = self._text(key)
        return self.notify_secrets() | environment if role in ROLE_SECTIONS["notify"] else environment

    def notify_secrets(self) -> dict[str, str]:
        """Return what the file of `notify.secrets` holds, by name."""
        return read_secrets(self.path_of("notify.secrets")) if "notify.secrets" in self.values else {}

    def path_of(self, key: str) -> Path:
        """Return the file that a key names."""
        return self.folder / Path(self.text_of(key)).expanduser()

    def _text(self, key: str) -> str:
        value = self.values[key]
        if key in BY_NAME and BY_NAME[key].kind.endswith("file"):
            return str(self.path_of(key))
        return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Reads one text into values and mistakes."""

    def __init__(self, folder: Path, text: str) -> None:
        self._folder, self._text = folder, text
        self._mistakes: list[Mistake] = []

    def read(self) -> tuple[dict[str, Any], list[Mistake]]:
        try:
            content = load_yaml(self._text)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error)
            line = mark.line + 1 if mark else 1
            return {}, [Mistake(line, "", f"line {line}: not readable as YAML: {problem}")]
        if not isinstance(content, dict | None):
            return {}, [Mistake(1, "", f"expected the sections {', '.join(SECTIONS)}")]
        self._mistakes += _duplicates(self._text)
        values = dict(self._values(content or {}))
        return values, self._mistakes

    def _values(self, content: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
        for section, entries in content.items():
            if section not in SECTIONS:
                self._note([section], f"unknown section{suggest(section, SECTIONS)}")
            elif isinstance(entries, dict):
                for name, value in entries.items():
                    yield from self._value(section, name, value)
            elif entries is not None:
                self._note([section], "expected keys with values")

    def _value(self, section: str, name: Any, value: Any) -> Iterator[tuple[str, Any]]:
        key = f"{section}.{name}"
        problem = "" if value is None else self._problem(section, name, value)
        if problem:
            self._note([section, name], problem)
        elif value is not None:
            yield key, value

    def _problem(self, section: str, name: Any, value: Any) -> str:
        if section == "settings":
            return _setting_problem(str(name), value)
        if section == "retention":
            return _retention_problem(str(name), value)
        key = BY_NAME.get(f"{section}.{name}")
        if key is None:
            names = [key.name.partition(".")[2] for key in KEYS if key.section == section]
            return f"unknown key{suggest(name, names)}"
        return self._kind_problem(key.kind, value)

    def _kind_problem(self, kind: Kind, value: Any) -> str:
        match kind:
            case "port":
                is_port = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
                return "" if is_port else f"{value!r} is no port from 1 to 65535"
            case "flag":
                return "" if isinstance(value, bool) else f"{value!r} is neither true nor false"
            case "file" | "secret file" | "secrets file":
                return _file_problem(self._folder / Path(str(value)).expanduser(), kind)
            case "text":
                return (
                    ""
                    if isinstance(value, str | int | float | date)
                    else f"expected one value, not {value!r}"
                )

    def _note(self, path: list[Any], problem: str) -> None:
        self._mistakes.append(
            Mistake(read_document(self._text).line(path), ".".join(map(str, path)), problem)
        )


def _file_problem(file: Path, kind: Kind) -> str:
    try:
        mode = file.stat().st_mode
        with file.open("rb"):
            pass
        if kind != "file" and mode & _OTHERS_MAY_READ:
            return f"{file} can be read by others than its owner; `chmod 600` mends that"
        if kind == "secrets file":
            read_secrets(file)
    except OSError as error:
        return f"{file}: {error.strerror}"
    except ValueError as error:
        return str(error)
    return ""


def _setting_problem(variable: str, value: Any) -> str:
    if isinstance(value, dict | list):
        return f"expected one value, not {value!r}"
    if variable.endswith(("_PASSWORD", "_SECRET")):
        return "a password has no place in this file, only in a file of mode 0600 (`ministry.password_file`)"
    key = next((key for key in KEYS if key.variable == variable), None)
    return f"write it as {key.name}" if key else ""


def _retention_problem(topic: str, value: Any) -> str:
    from schemas.topics import TOPICS  # with pydantic, which takes 0.2 s; few files have this section

    names = [contract.name for contract in TOPICS.values() if contract.cleanup == "delete"]
    if topic not in names:
        return f"there is no topic of this name whose messages end{suggest(topic, names)}"
    is_days = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 36_500
    return "" if is_days else f"{value!r} is no number of days from 1 to 36500"


def _duplicates(text: str) -> Iterator[Mistake]:
    """Find keys that stand twice in the file or in a section: YAML would let the last one win."""

    def find(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[Mistake]:
        if not isinstance(node, yaml.MappingNode):
            return
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                yield Mistake(line, ".".join((*path, name)), f"stands in line {lines[name]} already")
            lines.setdefault(name, line)
            yield from find(value, (*path, name))

    yield from find(yaml.compose(text, Loader=yaml.SafeLoader), ())
