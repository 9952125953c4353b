"""What the model of a record refuses, in words that say what the file's format made of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.spellings import did_you_mean
from schemas.messages.base import Message
from schemas.registry_files.entries import Entry, Path, value_at
from schemas.registry_files.fields import Kind, fields_by_name
from schemas.unreadable import Unreadable
from schemas.validation_errors import Mistake, list_mistakes

_TIMES = "2026-01-01 or 2026-01-01 07:30+07:00"


def refusals(entry: Entry, model: type[Message]) -> Iterator[Mistake]:
    """Yield what the model refuses, and what it would take for something else."""
    mistaken = {path: Mistake(path, "kind", sentence) for path, sentence in _wrong_kinds(model, entry.value)}
    yield from mistaken.values()
    try:
        model.model_validate(entry.value)
    except ValidationError as error:
        for mistake in list_mistakes(error, model):
            if mistake.path not in mistaken:
                yield mistake._replace(sentence=_explain(entry, model, mistake))


def _wrong_kinds(model: type[Message], value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield what the model would take without a word: 1 for ``yes``, a time of 1970 for ``2024``."""
    for name, field_ in fields_by_name(model).items() if isinstance(value, dict) else ():
        child, child_path = value.get(name), (*path, name)
        if field_.kind in (Kind.RECORD, Kind.RECORDS) and field_.model is not None:
            for item, item_path in _items(child, child_path):
                yield from _wrong_kinds(field_.model, item, item_path)
        elif field_.kind in (Kind.NUMBER, Kind.COUNT, Kind.NUMBERS):
            for item, item_path in _items(child, child_path):
                if not (item is None or isinstance(item, Unreadable) or _is_number(item)):
                    yield item_path, f"expected a number, not {_show(item)}"
        elif field_.kind is Kind.TIME and isinstance(child, int | float):
            yield child_path, f"expected a date or a time, such as {_TIMES}, not {_show(child)}"


def _items(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    """Yield the items of a list, the values of numbers by name, or else the value itself."""
    if isinstance(value, list):
        yield from ((item, (*path, index)) for index, item in enumerate(value))
    elif isinstance(value, dict) and path[-1] == "coefficients":
        yield from ((item, (*path, name)) for name, item in value.items())
    else:
        yield value, path


def _is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, or a text that is one: YAML takes ``1e3`` for a text."""
    try:
        read_plain(str(value))
    except NumberError:
        return False
    return not isinstance(value, bool)


def _show(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _explain(entry: Entry, model: type[Message], mistake: Mistake) -> str:
    """Return a sentence that says what the file's format made of the value, where that is the reason."""
    value = value_at(entry.value, mistake.path)
    sentence = value.sentence if isinstance(value, Unreadable) else mistake.sentence
    if mistake.kind == "missing":
        sentence = "this key is missing"
    elif mistake.kind == "string_type" or (value is None and mistake.kind.endswith("_type")):
        shown = not model.model_config.get("hide_input_in_errors", False)
        sentence = entry.source.misreading(mistake.path, shown=shown) or sentence
    elif isinstance(value, Unreadable):
        pass
    elif isinstance(value, datetime):
        sentence = f"{value.isoformat(' ')} names no zone; write +07:00 or Z after it"
    elif mistake.kind.startswith(("date", "timezone")):
        sentence = f"expected a date or a time, such as {_TIMES}, not {_show(value)}"
    elif mistake.kind in ("enum", "literal_error"):
        sentence += did_you_mean(value, _choices(model, mistake.path))
    elif mistake.path == ("latitude",) and _are_exchanged(value, value_at(entry.value, ("longitude",))):
        sentence += "; latitude and longitude seem to stand in each other's place"
    return sentence


def _are_exchanged(latitude: Any, longitude: Any) -> bool:
    numbers = isinstance(latitude, int | float) and isinstance(longitude, int | float)
    return numbers and abs(longitude) <= 90 < abs(latitude) <= 180


def _choices(model: type[Message], path: Path) -> Sequence[str]:
    """Return the choices of the field at a path."""
    choices: Sequence[str] = ()
    for part in path:
        if isinstance(part, str) and part in (fields := fields_by_name(model)):
            model, choices = fields[part].model or model, fields[part].choices
    return choices
