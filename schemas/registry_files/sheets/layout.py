"""The sheets of a workbook and their columns, as the models of the records have them."""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.messages.base import Message
from schemas.registry_files.fields import Field, Kind, fields_by_name
from schemas.registry_files.judge import MODELS

OWNER = {"stations": "station", "accounts": "account"}
"""Title of the column that names the record which a row of a list belongs to, by the key of the record."""
ENTRY = "entry"
"""Title of the column by which rows of one list refer to those of another."""
NOTHING_SET = "-"
"""In a column of a record that may be absent: it is there, and sets nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a key of a record, or of a record in it."""

    path: tuple[str, ...]
    field: Field
    is_optional: bool = False
    """Whether the record in which it stands may be absent from the row's."""

    @property
    def title(self) -> str:
        """The path with dots: ``warning_levels.exceeded``."""
        return ".".join(self.path)

    @property
    def note(self) -> str:
        """What a person has to know to fill it in."""
        parts = [self.field.description, self.field.type.replace("`", "")]
        parts += ["required"] if self.field.is_required else []
        if self.field.default not in (None, "", (), {}):
            parts.append(f"empty = {str(self.field.default).lower()}")
        if self.is_optional:
            parts.append(f"{NOTHING_SET} = {self.path[0]} without it")
        return "; ".join(part.rstrip(".") for part in parts) + "."


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: the records of a key, or one of the lists in them."""

    key: str
    """``stations`` or ``accounts``."""
    path: tuple[str, ...]
    """Of the list in a record; empty for the records themselves."""
    columns: tuple[Column, ...]
    has_lists: bool
    """Whether other sheets hold lists of its records."""

    @property
    def name(self) -> str:
        """The list's path with dots, or the key."""
        return ".".join(self.path) or self.key

    @property
    def references(self) -> dict[str, str]:
        """The columns that come first, which say what a row belongs to: title and note."""
        titles: dict[str, str] = {}
        if self.path:
            titles[OWNER[self.key]] = f"As in the sheet {self.key}; required."
        if len(self.path) > 1:
            titles[ENTRY] = f"As in the column {ENTRY} of the sheet {'.'.join(self.path[:-1])}; required."
        elif self.path and self.has_lists:
            titles[ENTRY] = (
                f"Any number or word, once a {OWNER[self.key]}; only needed where another sheet names it."
            )
        return titles


def _sheets(key: str, model: type[Message], path: tuple[str, ...] = ()) -> Iterator[Sheet]:
    """Yield the sheet of a model, then those of the lists in it."""
    fields = fields_by_name(model).values()
    lists = [field for field in fields if field.kind is Kind.RECORDS]
    yield Sheet(key, path, tuple(_columns(model)), bool(lists))
    for field in lists:
        if field.model is not None:
            yield from _sheets(key, field.model, (*path, field.name))


def _columns(
    model: type[Message], path: tuple[str, ...] = (), *, is_optional: bool = False
) -> Iterator[Column]:
    for field in fields_by_name(model).values():
        if field.kind is Kind.RECORD and field.model is not None:
            yield from _columns(field.model, (*path, field.name), is_optional=field.default is None)
        elif field.kind is not Kind.RECORDS:
            yield Column((*path, field.name), field, is_optional)


SHEETS: tuple[Sheet, ...] = tuple(sheet for key, model in MODELS.items() for sheet in _sheets(key, model))
"""In their order; each list after what it belongs to."""
