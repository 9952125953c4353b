"""What is wrong with a file, in one sentence that names the position and the nearest valid key."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from quantrac.domain.spellings import LIKELY, nearest, suggest
from schemas.messages.base import Message


def first_problem(error: ValidationError, model: type[Message]) -> str:
    """Return ``path: problem`` of the first thing that ``model`` refused; places in lists count from 1."""
    mistakes = list_mistakes(error, model)
    # A misspelt key says more than what is wrong with others.
    first = next((mistake for mistake in mistakes if mistake.kind == "extra_forbidden"), mistakes[0])
    path = ".".join(str(part + 1) if isinstance(part, int) else part for part in first.path)
    return f"{path}: {first.sentence}" if path else first.sentence


class Mistake(NamedTuple):
    """One thing that a model refused."""

    path: tuple[str | int, ...]
    """Keys, and places in lists counted from 0."""
    kind: str
    """As pydantic calls it."""
    sentence: str


def list_mistakes(error: ValidationError, model: type[Message]) -> list[Mistake]:
    """Return all that ``model`` refused; a key that is missing because it is misspelt is not told again."""
    mistakes: list[Mistake] = []
    misspelt: set[tuple[str | int, ...]] = set()
    for entry in error.errors(include_url=False, include_input=False):
        path, kind = entry["loc"], entry["type"]
        sentence = entry["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            fields = _model_at(model, path[:-1]).model_fields.items()
            keys = [field.alias or name for name, field in fields]
            sentence = f"unknown key{suggest(path[-1], keys)}"
            misspelt |= {(*path[:-1], key) for key in nearest(path[-1], keys, least=LIKELY)}
        mistakes.append(Mistake(path, kind, sentence))
    return [m for m in mistakes if m.kind != "missing" or m.path not in misspelt]


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
