"""How far a consumer group has come."""

import logging
from collections.abc import Callable

from confluent_kafka import KafkaException

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.partitions import Offsets

log = logging.getLogger(__name__)


class GroupProgress:
    """How far one consumer group has come in one topic; asks the broker each time."""

    def __init__(self, connection: KafkaConnection, group: str, topic: str) -> None:
        self._admin, self._group, self._topic = KafkaAdmin(connection), group, topic

    def end_offsets(self) -> Offsets | None:
        """Return where the topic's partitions end; ``None`` while the broker does not answer."""
        return self._ask(lambda: self._admin.end_offsets([self._topic]))

    def committed_offsets(self) -> Offsets | None:
        """Return what the group has committed of them; ``None`` while the broker does not answer."""
        return self._ask(
            lambda: self._admin.committed_offsets(self._group, list(self._admin.end_offsets([self._topic])))
        )

    def _ask(self, read_offsets: Callable[[], Offsets]) -> Offsets | None:
        try:
            return read_offsets()
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: how far %s has come is not known: %s", self._group, error)
            return None
