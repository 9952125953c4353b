"""``<topic>.dlq``: the value is the original bytes; why they are here stands in these headers."""

from schemas.messages.base import Message


class DeadLetterHeaders(Message):
    """Kafka headers of a dead letter, beside those of the original message."""

    reason: str
    """Why it can never be processed, for a person."""
    service: str
    """Service and role that gave up."""
    source_topic: str
    source_partition: int
    source_offset: int
