"""Builds the validator from settings: the only place here that makes real clients."""

import sys
from collections.abc import Sequence
from functools import partial

from quantrac.domain.stations import Registry
from quantrac.io.kafka import KafkaConsumer, KafkaProducer, TableReader, read_tail
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from schemas.registry import apply_record
from schemas.rules import load as load_rules
from services.validator.config import ValidatorSettings
from services.validator.handler import ValidateHandler


def validate() -> Role:
    """Build the role ``validate``: parsed-reading → qa-flagged; a bad rule file stops the start."""
    settings, registry = load(ValidatorSettings), Registry()
    try:
        rules = load_rules(settings.rules)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: {error}")
    flagged = settings.topic("qa-flagged")
    handler = ValidateHandler(registry, rules, topic=flagged)

    def restore(partitions: Sequence[int]) -> None:
        for partition in partitions:
            handler.restore(partition, read_tail(settings.kafka, flagged, partition, settings.memory_tail))

    consumer = KafkaConsumer(
        settings.kafka,
        group=settings.topic("validator.validate"),
        instance=settings.instance,
        topics=[settings.topic("parsed-reading")],
        on_assign=restore,
    )
    runner = Runner(
        service="validator.validate",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka),
        handler=handler,
    )
    table = TableReader(settings.kafka, settings.topic("station-registry"), partial(apply_record, registry))
    return Work(runner.run, ready=lambda: consumer.ready, tables=[table])
