"""What the library's clients report by themselves, logged."""

import logging
import time

from confluent_kafka import KafkaError

log = logging.getLogger(__name__)


class _ErrorLog:
    """Logs the first error of each kind in ten seconds: a client without a broker reports 20 a second."""

    def __init__(self) -> None:
        self._logged: dict[int, float] = {}

    def __call__(self, error: KafkaError) -> None:
        now = time.monotonic()
        if now - self._logged.get(error.code(), -10.0) >= 10.0:
            self._logged[error.code()] = now
            log.warning("kafka: %s", error.str())


log_error = _ErrorLog()
