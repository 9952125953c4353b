"""What the registry's records hold, read from their models: for their sheets, their page and their check."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from schemas.messages.base import Message
from schemas.messages.registry.fields import Dated


class Kind(Enum):
    """What the values of a field are; the value is how people call it."""

    TEXT = "text"
    CHOICE = "one of"
    NUMBER = "number"
    COUNT = "whole number"
    SWITCH = "true or false"
    TIME = "date or time"
    TEXTS = "list of texts"
    NUMBERS = "numbers by name"
    RECORD = "one"
    RECORDS = "list of"


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record."""

    name: str
    kind: Kind
    description: str
    is_required: bool
    default: Any
    """``None`` where it has none."""
    example: Any
    """As a file would hold it."""
    choices: tuple[str, ...] = ()
    """Of a CHOICE."""
    model: type[Message] | None = None
    """Of the RECORD or RECORDS in it."""

    @property
    def type(self) -> str:
        """The type in words; lists of records are named by the key."""
        if self.kind is Kind.CHOICE:
            return ", ".join(f"`{choice}`" for choice in self.choices)
        return str(self.kind.value)


@cache
def fields_by_name(model: type[Message]) -> Mapping[str, Field]:
    """Return the fields of a model by name, the dates of validity last."""
    names = [*(name for name in model.model_fields if name not in Dated.model_fields), *_dates(model)]
    return {name: _field(name, model.model_fields[name]) for name in names}


def _dates(model: type[Message]) -> Iterator[str]:
    return (name for name in Dated.model_fields if name in model.model_fields)


def _field(name: str, info: FieldInfo) -> Field:
    kind, detail = _kind(info.annotation)
    return Field(
        name,
        kind,
        " ".join((info.description or "").split()),
        info.is_required(),
        None if info.is_required() else info.get_default(call_default_factory=True),
        (info.examples or [None])[0],
        detail if isinstance(detail, tuple) else (),
        detail if isinstance(detail, type) else None,
    )


_PLAIN: Mapping[Any, Kind] = {
    bool: Kind.SWITCH,
    int: Kind.COUNT,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    AwareDatetime: Kind.TIME,
}


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...] | type[Message] | None]:
    """Return what an annotation's values are, with the choices or the model."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    detail: tuple[str, ...] | type[Message] | None = None
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (Union, UnionType):
        (present,) = (argument for argument in arguments if argument is not type(None))
        return _kind(present)
    if origin is tuple:
        kind, detail = _kind(arguments[0])
        kind = Kind.RECORDS if kind is Kind.RECORD else Kind.TEXTS
    elif origin is dict:
        kind = Kind.NUMBERS
    elif origin is Literal:
        kind, detail = Kind.CHOICE, arguments
    elif annotation in _PLAIN:
        kind = _PLAIN[annotation]
    elif issubclass(annotation, Enum):
        kind, detail = Kind.CHOICE, tuple(str(choice.value) for choice in annotation)
    else:
        kind, detail = Kind.RECORD, annotation
    return kind, detail
