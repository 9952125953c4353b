"""What is wrong with a file, in one sentence that names the position and the nearest valid key."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from quantrac.domain.spellings import did_you_mean
from schemas.messages.base import Message


def first_problem(error: ValidationError, model: type[Message]) -> str:
    """Return ``path: problem`` of the first thing that ``model`` refused; places in lists count from 1."""
    # A misspelt key comes with "missing" for the one it should have been; the misspelling says more.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    location = first["loc"]
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        fields = _model_at(model, location[:-1]).model_fields.items()
        problem = f"unknown key{nearest(location[-1], [field.alias or name for name, field in fields])}"
    path = ".".join(str(part + 1) if isinstance(part, int) else part for part in location)
    return f"{path}: {problem}" if path else problem


def nearest(key: object, valid: Iterable[str]) -> str:
    """Return how to go on after a wrong key: with the nearest valid one, or with all."""
    keys = list(valid)
    return did_you_mean(key, keys) or f"; valid keys: {', '.join(keys)}"


def _model_at(model: type[Message], location: Sequence[int | str]) -> type[Message]:
    """Follow the names of a place into nested models; numbers and keys of mappings lead no deeper."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[Message]]:
    if isinstance(annotation, type) and issubclass(annotation, Message):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
