"""``python -m schemas.json``: write the JSON Schemas."""

from schemas.json import write

write()
