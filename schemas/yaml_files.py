"""YAML files that people write, as a value that a model can judge."""

from typing import TYPE_CHECKING, Any

from quantrac.errors import UserError
from schemas.yaml_documents import DocumentError, read_document

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def load_yaml_file(file: "Traversable", name: str = "") -> Any:
    """Read a file; raises UserError with file and line of the first mistake, and OSError.

    A mistake is what is no YAML or no UTF-8, a key that stands twice, and a number or a time that cannot be
    read. ``name``: what messages call the file, by default its name without the folder.
    """
    name = name or file.name
    try:
        document = read_document(file.read_bytes())
    except DocumentError as error:
        raise UserError(f"{name}, line {error.line}: {error}") from error
    mistakes = [*document.problems, *document.unreadable]
    if mistakes:
        line, sentence = min(mistakes)
        raise UserError(f"{name}, line {line}: {sentence}")
    return document.value
