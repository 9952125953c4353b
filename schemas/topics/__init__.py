"""The topics, read from the YAML files beside this one: the one place that says partitions and retention."""

from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator

from schemas.messages.base import Message


class Partitions(Message):
    """Partition count by size of deployment."""

    local: Annotated[int, Field(ge=1)]
    large: Annotated[int, Field(ge=1)]


class Topic(Message):
    """One topic's contract."""

    name: str
    description: str
    key: str
    value: str
    headers: str = ""
    partitions: Partitions
    cleanup: Literal["delete", "compact"]
    retention_days: int | None = None
    writers: list[str]
    """``service.role`` or command that writes it."""
    readers: list[str]
    dead_letters: bool
    """Whether a ``.dlq`` topic stands beside it."""
    examples: list[str]
    """Files in ``schemas/examples``."""

    @model_validator(mode="after")
    def _retention_fits_cleanup(self) -> Self:
        if (self.cleanup == "delete") != (self.retention_days is not None):
            raise ValueError(f"{self.name}: retention_days belongs to cleanup: delete, and only there")
        return self

    def config(self) -> dict[str, str]:
        """Topic settings in Kafka's own names."""
        if self.retention_days is None:
            # Small segments let the cleaner reach records soon: the newest segment is never compacted.
            return {"cleanup.policy": "compact", "segment.bytes": str(16 << 20)}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * 86_400_000)}


DEAD_LETTER_PARTITIONS = 3
DEAD_LETTER_RETENTION_DAYS = 90


def _load() -> dict[str, Topic]:
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".yaml"))
    topics = [Topic.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: topic.name)}


TOPICS: dict[str, Topic] = _load()
"""Topic name without prefix -> contract."""
