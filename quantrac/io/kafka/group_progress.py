"""How far a consumer group has come."""

import logging
from collections.abc import Callable

from confluent_kafka import KafkaException

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection

log = logging.getLogger(__name__)


class GroupProgress:
    """How far one consumer group has come in one topic; asks the broker each time."""

    def __init__(self, connection: KafkaConnection, group: str, topic: str) -> None:
        self._admin, self._group, self._topic = KafkaAdmin(connection), group, topic

    def ends(self) -> dict[tuple[str, int], int] | None:
        """Return (topic, partition) -> end offset; ``None`` while the broker does not answer."""
        return self._asked(lambda: self._admin.ends([self._topic]))

    def committed(self) -> dict[tuple[str, int], int] | None:
        """Return (topic, partition) -> committed offset; ``None`` while the broker does not answer."""
        return self._asked(lambda: self._admin.committed(self._group, list(self._admin.ends([self._topic]))))

    def _asked(self, ask: Callable[[], dict[tuple[str, int], int]]) -> dict[tuple[str, int], int] | None:
        try:
            return ask()
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: how far %s has come is not known: %s", self._group, error)
            return None
