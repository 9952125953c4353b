"""How long a broker keeps messages: what the configuration says, again what the contract says without it."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from support.waiting import wait_until

DAY_MS = 86_400_000


def settings_of(kafka: KafkaConnection, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient(kafka.librdkafka())  # what it was asked ends with it
    (future,) = admin.describe_configs([resource]).values()
    return {name: str(entry.value) for name, entry in future.result(timeout=30).items()}


def test_the_days_of_a_topic_change_and_nothing_else_of_it(
    kafka: KafkaConnection, topics: Callable[..., str]
) -> None:
    config = {"retention.ms": str(60 * DAY_MS), "max.message.bytes": "33554432"}
    first, second = topics("first", config=config), topics("second", config=config)
    before = settings_of(kafka, first)
    for days in (90, 60):
        KafkaAdmin(kafka).set_retention({first: days})
        changed = before | {"retention.ms": str(days * DAY_MS)}
        # The controller has it when it answers, the broker a moment later.
        wait_until(lambda changed=changed: settings_of(kafka, first) == changed, "the new days", every_s=0.25)
        assert settings_of(kafka, second)["retention.ms"] == str(60 * DAY_MS)
    KafkaAdmin(kafka).set_retention({})


def test_a_topic_that_is_not_there_is_refused(kafka: KafkaConnection, prefix: str) -> None:
    with pytest.raises(KafkaException):
        KafkaAdmin(kafka).set_retention({f"{prefix}none": 5})
