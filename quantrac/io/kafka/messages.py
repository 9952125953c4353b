"""A message of confluent-kafka's as a :class:`quantrac.io.records.Record`."""

from confluent_kafka import Message

from quantrac.io.records import Record


def to_record(message: Message) -> Record:
    """Return a consumed message with the partition, the offset and the time of production it has."""
    key = message.key()
    return Record(
        message.topic() or "",
        key.encode() if isinstance(key, str) else key or b"",
        message.value(),
        dict(message.headers() or ()),  # type: ignore[arg-type]  # bytes, as they were produced
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1] / 1000,
    )
