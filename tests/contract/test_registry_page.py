"""The page of the registry against the models, the check and the commands it shows."""

import re
import shlex
from pathlib import Path

import click
import pytest

from docs.registry_page import PAGE, example_of, generated, records
from quantrac.cli import main
from quantrac.domain.territory import VIETNAM
from schemas.json import generate
from schemas.registry_files.fields import fields_by_name
from schemas.registry_files.folder import read_directory

TEXT = PAGE.read_text(encoding="utf-8")
KEYS = [(path, model, field) for path, model in records() for field in fields_by_name(model).values()]


def test_the_page_is_what_make_docs_writes() -> None:
    assert generated() == TEXT, "run `make docs`"


@pytest.mark.parametrize(("path", "model", "field"), KEYS, ids=lambda value: getattr(value, "name", None))
def test_every_key_has_a_sentence_and_an_example_that_holds(path: str, model: type, field: object) -> None:
    assert field.description.endswith("."), path  # type: ignore[attr-defined]
    assert example_of(model, field) is not None  # type: ignore[arg-type]
    assert f"### `{path}`" in TEXT


def test_the_json_schemas_show_the_sentences_and_examples_too() -> None:
    schemas = generate()
    text = schemas["station.json"] + schemas["account.json"]
    for _, _, field in KEYS:
        assert f'"{field.name}"' in text
    assert text.count('"examples"') >= len(KEYS)


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
def test_a_file_that_it_shows_has_no_mistake_and_nothing_unusual(tmp_path: Path, block: str) -> None:
    (tmp_path / "hanoi.yaml").write_text(block, encoding="utf-8")
    reading = read_directory(tmp_path, VIETNAM)
    assert (reading.mistakes, reading.remarks) == ([], [])
    assert reading.records


def test_every_command_it_shows_exists_with_its_options() -> None:
    group = main.get_command(click.Context(main), "registry")
    assert isinstance(group, click.Group)
    lines = re.findall(r"`quantrac registry ([^`]+)`", TEXT.replace("\n", " "))
    assert {line.split()[0] for line in lines} >= {"check", "import", "export", "list", "hash-password"}
    for line in lines:
        name, *words = shlex.split(line)
        options = {option for parameter in group.commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_it_names_the_territory() -> None:
    latitudes, longitudes = str(VIETNAM).split(", ")
    assert f"{latitudes}, {longitudes}" in TEXT
