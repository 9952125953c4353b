"""A folder of YAML files, each with the keys ``stations`` and ``accounts``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from quantrac.domain.spellings import suggest
from quantrac.domain.territory import Territory
from quantrac.errors import UserError
from schemas.messages.registry.records import Record
from schemas.registry_files.entries import Entry, Finding, Location, Path
from schemas.registry_files.judge import MODELS, Reading, judge
from schemas.yaml_documents import Document, DocumentError, read_document


def load_directory(directory: FilePath) -> list[Record]:
    """Read every ``*.yaml`` of a folder; raises ``UserError`` naming all mistakes with file, line and key."""
    reading = read_directory(directory)
    reading.check()
    return reading.records


def read_directory(directory: FilePath, territory: Territory | None = None) -> Reading:
    """Read every ``*.yaml`` of a folder with all that is wrong in it.

    Stations may lie anywhere where no ``territory`` is given. Raises ``UserError`` where there is no file.
    """
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise UserError(f"{directory}: no *.yaml file in this folder")
    return read_files([(file.name, file.read_bytes()) for file in files], territory)


def read_files(files: Iterable[tuple[str, bytes]], territory: Territory | None = None) -> Reading:
    """Read files, each with its name, as :func:`read_directory` does."""
    entries: list[Entry] = []
    mistakes: list[Finding] = []
    is_complete = True
    for number, (name, content) in enumerate(files):
        try:
            document = read_document(content)
        except DocumentError as error:
            is_complete = False
            location = Location(number, (error.line,), name, f"line {error.line}")
            mistakes.append(Finding(location, (), (), str(error)))
            continue
        source = _Source(number, name, document)
        mistakes += [Finding(source.at_line(line), (), (), sentence) for line, sentence in document.problems]
        mistakes += _entries(document, source, entries)
    return judge(entries, mistakes, territory, is_complete=is_complete)


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, or an entry in it."""

    number: int
    name: str
    document: Document
    start: Path = ()
    """Of the entry."""

    def at_line(self, line: int) -> Location:
        return Location(self.number, (line,), self.name, f"line {line}")

    def locate(self, path: Path = ()) -> Location:
        return self.at_line(self.document.line((*self.start, *path)))

    def misreading(self, path: Path, *, shown: bool) -> str:
        return self.document.misreading((*self.start, *path), shown=shown)


def _entries(document: Document, source: _Source, entries: list[Entry]) -> Iterator[Finding]:
    """Add a file's entries; yields what stands beside them."""
    content = document.value
    if not isinstance(content, dict):
        yield Finding(source.locate(), (), (), f"expected the keys {' and '.join(MODELS)}")
        return
    for key, values in content.items():
        if key not in MODELS:
            yield Finding(source.locate((key,)), (), (), f"unknown key {key!r}{suggest(key, MODELS)}")
        elif not isinstance(values, list | None):
            yield Finding(source.locate((key,)), (), (key,), "expected a list")
        else:
            for number, value in enumerate(values or (), start=1):
                entry_source = _Source(source.number, source.name, document, (key, number - 1))
                entries.append(Entry(key, number, value, entry_source))
