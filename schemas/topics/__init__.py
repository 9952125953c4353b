"""The topics, read from the YAML files beside this one: the one place that says partitions and retention."""

from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.messages.base import Message
from schemas.yaml_files import load_yaml_file

LARGEST_MESSAGE_BYTES = 32 << 20
"""A file of the largest size allowed (1 MiB) becomes flagged readings of some twenty times its size."""


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
    headroom_bytes: int = 0
    """What a message may have beyond the largest: the headers that are added to one."""
    examples: list[str]
    """Files in ``schemas/examples``."""

    @model_validator(mode="after")
    def _retention_fits_cleanup(self) -> Self:
        if (self.cleanup == "delete") != (self.retention_days is not None):
            raise ValueError(f"{self.name}: retention_days belongs to cleanup: delete, and only there")
        return self

    def config(self) -> dict[str, str]:
        """Topic settings in Kafka's own names."""
        largest = LARGEST_MESSAGE_BYTES + self.headroom_bytes
        common = {"cleanup.policy": self.cleanup, "max.message.bytes": str(largest)}
        if self.retention_days is None:
            # Small segments let the cleaner reach records soon: the newest segment is never compacted.
            return common | {"segment.bytes": str(16 << 20)}
        return common | {"retention.ms": str(self.retention_days * 86_400_000)}


DEAD_LETTERS = Topic(
    name="dlq",
    description="Messages that can never be processed: the original bytes, the reason in the headers.",
    key="that of the original message",
    value="that of the original message",
    headers="dead-letter-headers, beside the original ones",
    partitions=Partitions(local=3, large=3),
    cleanup="delete",
    retention_days=90,
    writers=["every role that reads the topic"],
    readers=[],
    dead_letters=False,
    headroom_bytes=64 << 10,
    examples=[],
)
"""The contract of ``<topic>.dlq``."""


def _load() -> dict[str, Topic]:
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".yaml"))
    topics = [Topic.model_validate(load_yaml_file(file)) for file in files]
    return {topic.name: topic for topic in sorted(topics, key=lambda topic: topic.name)}


TOPICS: dict[str, Topic] = _load()
"""Topic name without prefix -> contract."""


def topics_with_dead_letters() -> dict[str, Topic]:
    """Return every topic a deployment needs, the ``.dlq`` ones among them, by name without prefix."""
    dead = {f"{name}.dlq": DEAD_LETTERS for name, topic in TOPICS.items() if topic.dead_letters}
    return TOPICS | dead
