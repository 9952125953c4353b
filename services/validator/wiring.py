"""Builds the validator from settings: the only place here that makes real clients."""

import sys
import threading
from collections.abc import Sequence
from functools import partial

from quantrac.domain.stations import Registry
from quantrac.io.kafka import KafkaConsumer, KafkaProducer, TableReader, read_tail
from quantrac.io.role import Role
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from schemas.registry import apply_record
from schemas.rules import load as load_rules
from services.validator.config import ValidatorSettings
from services.validator.handler import ValidateHandler


def validate() -> Role:
    """Build the role ``validate``; a bad rule file stops the start with one sentence."""
    settings = load(ValidatorSettings)
    try:
        return Validate(settings)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: {error}")


class Validate:
    """parsed-reading → qa-flagged."""

    def __init__(self, settings: ValidatorSettings) -> None:
        rules, registry = load_rules(settings.rules), Registry()
        self._settings = settings
        self._registry = TableReader(
            settings.kafka, settings.topic("station-registry"), partial(apply_record, registry)
        )
        self._handler = ValidateHandler(registry, rules, topic=settings.topic("qa-flagged"))
        self._consumer = KafkaConsumer(
            settings.kafka,
            group=settings.topic("validator.validate"),
            instance=settings.instance,
            topics=[settings.topic("parsed-reading")],
            on_assign=self._restore,
        )
        self._runner = Runner(
            service="validator.validate",
            consumer=self._consumer,
            producer=KafkaProducer(settings.kafka),
            handler=self._handler,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        self._registry.start()
        try:
            self._runner.run(stop)
        finally:
            self._registry.close()

    def ready(self) -> bool:
        """Tell whether partitions are assigned and their memory is restored."""
        return self._consumer.ready

    def _restore(self, partitions: Sequence[int]) -> None:
        topic = self._settings.topic("qa-flagged")
        for partition in partitions:
            tail = read_tail(self._settings.kafka, topic, partition, self._settings.memory_tail)
            self._handler.restore(partition, tail)
