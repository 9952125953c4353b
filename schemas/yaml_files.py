"""YAML that people write, with numbers and times read as everywhere else.

YAML 1.1 takes ``1_000`` for a thousand, ``1:30`` for ninety and ``010`` for eight. Here the first two are
refused with their place, and ``010`` is ten. 24:00 is midnight.
"""

from typing import Any

import yaml

from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.written_times import split_end_of_day

_BEYOND_DECIMALS = {".inf", "-.inf", "+.inf", ".nan"}


class _Loader(yaml.SafeLoader):
    """PyYAML's, with constructors of its own for numbers and times."""


def load_yaml(text: str) -> Any:
    """Read a document; raises ``yaml.YAMLError``, and ``ValueError`` for a date such as 2026-02-30."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def read_number(text: str) -> float:
    """Read what YAML takes for a number; raises ``NumberError`` for ``1_000``, ``1:30`` and the like."""
    value = read_plain(text)
    return int(text) if text.lstrip("+-").isdigit() else value


def read_time(text: str) -> Any:
    """Read what YAML takes for a date or a time, as ``date`` or ``datetime``; raises ``ValueError``."""
    begun, day = split_end_of_day(text)
    node = yaml.ScalarNode("tag:yaml.org,2002:timestamp", begun)
    return yaml.constructor.SafeConstructor().construct_yaml_timestamp(node) + day


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = str(node.value)
    if text.lower() in _BEYOND_DECIMALS:
        return float(loader.construct_yaml_float(node))
    try:
        return read_number(text)
    except NumberError as error:
        raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None


def _construct_time(_: _Loader, node: yaml.ScalarNode) -> Any:
    return read_time(str(node.value))


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_time)
