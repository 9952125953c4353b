"""A file of secrets: a line NAME=value each; one that begins with ``#`` is a comment."""

import re
from pathlib import Path

_LINE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")


def read_secrets(file: Path) -> dict[str, str]:
    """Return name → secret; raises ``ValueError`` naming the line that is none, and never what it holds."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8") from None
    secrets = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"{file}, line {number}: expected NAME=value")
        secrets[match[1]] = match[2].strip()
    return secrets
