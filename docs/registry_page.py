"""``python -m docs.registry_page``: write the tables of docs/registry.md from the models of the records."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter

from schemas.messages.base import Message
from schemas.registry_files.fields import Field, Kind, fields_by_name
from schemas.registry_files.judge import MODELS
from schemas.registry_files.write_yaml import write_key

PAGE = Path(__file__).parent / "registry.md"
BEGIN, END = "<!-- keys: written by `make docs` -->", "<!-- /keys -->"


def generated() -> str:
    """Return what the page should be; raises ValueError where it has lost its markers."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name}: the markers {BEGIN} and {END} are gone")
    sections = [_section(path, model) for path, model in records()]
    return "\n\n".join([before + BEGIN, *sections, END + after])


def records() -> Iterator[tuple[str, type[Message]]]:
    """Yield every kind of record with its path: ``stations.parameters``."""
    for key, model in MODELS.items():
        yield from _below(key, model)


def _below(path: str, model: type[Message]) -> Iterator[tuple[str, type[Message]]]:
    yield path, model
    for field in fields_by_name(model).values():
        if field.model is not None:
            yield from _below(f"{path}.{field.name}", field.model)


def example_of(model: type[Message], field: Field) -> Any:
    """Return the value that a field's example stands for; raises ``ValidationError`` where it is none."""
    info = model.model_fields[field.name]
    annotation: Any = info.annotation
    for metadata in info.metadata:
        annotation = Annotated[annotation, metadata]
    return TypeAdapter(annotation).validate_python(field.example)


def _section(path: str, model: type[Message]) -> str:
    rows = [_row(path, model, field) for field in fields_by_name(model).values()]
    head = "| key | what it says | type | default | example |\n| --- | --- | --- | --- | --- |"
    return "\n".join([f"### `{path}`", "", _markdown(inspect.getdoc(model) or ""), "", head, *rows])


def _row(path: str, model: type[Message], field: Field) -> str:
    example = write_key(field.name, field, example_of(model, field))
    cells = [
        f"`{field.name}`",
        _markdown(field.description).replace("|", "\\|"),
        _type(path, field),
        _default(field),
        f"`{example}`".replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def _type(path: str, field: Field) -> str:
    if field.model is None:
        return field.type
    below = f"{path}.{field.name}"
    return f"{field.type} [{below}](#{below.replace('.', '')})"


def _default(field: Field) -> str:
    if field.is_required:
        return "required"
    if field.kind in (Kind.RECORD, Kind.RECORDS) or field.default in (None, "", (), {}):
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _markdown(text: str) -> str:
    """Return a docstring's marks as Markdown's, a paragraph a line."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(paragraphs).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(generated(), encoding="utf-8")
