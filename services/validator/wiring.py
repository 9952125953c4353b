"""Builds the validator's roles from settings: the only place here that makes real clients."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import unless
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.group_progress import GroupProgress
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.kafka.tables import TableReader
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import ClickHouseSettings, load
from schemas.clickhouse.history import HistorySnapshot
from schemas.codecs.baseline import decode_baseline
from schemas.codecs.decoding import BadMessage
from schemas.registry import apply_record
from schemas.rules import load as load_rules
from schemas.rules.book import RuleBook
from services.validator.config import ValidatorSettings
from services.validator.rejudge.handler import RejudgeHandler
from services.validator.rejudge.in_flight import InFlight
from services.validator.validate.handler import ValidateHandler, log_crash


def validate() -> Role:
    """Build the role ``validate``: parsed-reading → qa-flagged; a bad rule file stops the start."""
    settings, registry, baseline = load(ValidatorSettings), Registry(), Baselines()
    flagged = settings.topic("qa-flagged")
    handler = ValidateHandler(registry, _rule_book(settings, registry), topic=flagged, baseline=baseline)

    def restore(partitions: Sequence[int]) -> None:
        count = KafkaAdmin(settings.kafka_connection).count_partitions()[flagged]
        length = settings.tail_length(len(registry.stations), count)
        for partition in partitions:
            handler.restore(partition, read_tail(settings.kafka_connection, flagged, partition, length))

    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("validator.validate"),
        instance=settings.instance,
        topics=[settings.topic("parsed-reading")],
        on_assign=restore,
    )
    runner = Runner(
        service="validator.validate",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=handler,
        progress=Progress(settings.stalled_seconds),
    )
    tables = [
        _registry_reader(settings, registry),
        TableReader(
            settings.kafka_connection,
            settings.topic("baseline"),
            partial(_put, baseline),
            stalled_seconds=settings.stalled_seconds,
        ),
    ]
    return Work(runner.run, checks=[consumer.problem, runner.progress.problem], tables=tables)


def rejudge() -> Role:
    """Build the role ``rejudge``: rejudge, ClickHouse → qa-flagged, baseline, rejudge, ClickHouse."""
    settings, registry = load(ValidatorSettings), Registry()
    clickhouse, flagged = ClickHouse(load(ClickHouseSettings)), settings.topic("qa-flagged")
    table = _registry_reader(settings, registry)
    sink = GroupProgress(settings.kafka_connection, settings.topic("aggregator.sink"), flagged)
    in_flight = InFlight(sink.end_offsets, sink.committed_offsets)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("validator.rejudge"),
        instance=settings.instance,
        topics=[settings.topic("rejudge")],
        on_assign=lambda _: in_flight.doubt(),
        gather_seconds=settings.rejudge_gather_seconds,
    )
    handler = RejudgeHandler(
        lambda: HistorySnapshot(clickhouse),
        clickhouse,
        registry,
        Expectations(registry, _rule_book(settings, registry)),
        in_flight,
        flagged=flagged,
        baseline=settings.topic("baseline"),
        rejudge=settings.topic("rejudge"),
        registry_position=table.position,
        generation=consumer.generation,
        clock=lambda: datetime.now(UTC),
        on_crash=log_crash,
    )
    runner = Runner(
        service="validator.rejudge",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=handler,
        batch_size=settings.rejudge_batch,
        progress=Progress(settings.stalled_seconds),
    )
    clickhouse_answers = unless(clickhouse.answers, "ClickHouse does not answer")
    return Work(
        runner.run, checks=[consumer.problem, runner.progress.problem, clickhouse_answers], tables=[table]
    )


def _put(baseline: Baselines, key: bytes, value: bytes | None) -> None:
    try:
        baseline.put(*((key.decode(), {}) if value is None else decode_baseline(value)))
    except BadMessage as error:
        raise ValueError(str(error)) from error


def _rule_book(settings: ValidatorSettings, registry: Registry) -> RuleBook:
    try:
        return RuleBook(load_rules(settings.rules), registry)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: {error}")


def _registry_reader(settings: ValidatorSettings, registry: Registry) -> TableReader:
    return TableReader(
        settings.kafka_connection,
        settings.topic("station-registry"),
        partial(apply_record, registry),
        stalled_seconds=settings.stalled_seconds,
    )
