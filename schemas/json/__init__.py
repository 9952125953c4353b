"""JSON Schema of every message, generated from ``schemas.messages`` by ``python -m schemas.json``."""

import json
from importlib import resources
from pathlib import Path

from schemas.messages.table import MESSAGES


def generate() -> dict[str, str]:
    """Return file name -> JSON Schema (draft 2020-12) as it should stand beside this file."""
    return {
        f"{name}.json": json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for name, model in MESSAGES.items()
    }


def read_stored() -> dict[str, str]:
    """Return file name -> JSON Schema as it stands beside this file."""
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".json"))
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def write() -> None:
    """Bring the stored files up to the messages."""
    folder = Path(__file__).parent
    schemas = generate()
    for name in read_stored().keys() - schemas.keys():
        (folder / name).unlink()
    for name, text in schemas.items():
        (folder / name).write_text(text, encoding="utf-8")
