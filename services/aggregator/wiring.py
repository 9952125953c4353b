"""Builds the aggregator's roles from settings: the only place here that makes real clients."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from quantrac.domain.registry.registry import Registry
from quantrac.errors import UserError
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import Check, unless
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.group_progress import GroupProgress
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.kafka.waiting_keys import WaitingKeys
from quantrac.io.private_files import make_private_folder
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import BatchProcessor, Runner
from quantrac.io.settings import ClickHouseSettings, load
from quantrac.io.stream import StreamRunner
from quantrac.io.threads import run_threads
from schemas.limits import load_national, warning_shares
from schemas.registry import apply_record
from services.aggregator.config import AggregatorSettings
from services.aggregator.notify.adapters.channels import open_channel
from services.aggregator.notify.config import load_targets
from services.aggregator.notify.handler import Notifier
from services.aggregator.notify.tables import ClickHouseNotifications
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.registry_tables import RegistryTables
from services.aggregator.sink.tables import tables_by_topic
from services.aggregator.watch.handler import WatchHandler
from services.aggregator.watch.levels import levels_of
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.averages.step import AverageStep
from services.aggregator.windows.digests.queries import ClickHouseDigests
from services.aggregator.windows.digests.step import DigestStep
from services.aggregator.windows.dirty_queue import DirtyQueue
from services.aggregator.windows.exceedances.queries import ClickHouseExceedances
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.handler import WindowsHandler
from services.aggregator.windows.indices.queries import ClickHouseIndices
from services.aggregator.windows.indices.step import IndexStep

# Group -> topic: the lanes on which data come to watch; the ministry runs those of the aggregator.
_PRESENT = {"receiver.parse": "raw-file", "validator.validate": "parsed-reading"}
_PAST = {
    "receiver.backlog": "raw-file-backlog",
    "validator.rejudge": "rejudge",
    "aggregator.sink": "qa-flagged",
    "aggregator.windows": "window-dirty",
}


def sink() -> Role:
    """Build the role ``sink``: qa-flagged, raw files, receipts, alerts → ClickHouse and requests."""
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings))
    # Provisional flags are the province's to judge again: its revisions come to the ministry like any set.
    topics = tables_by_topic(settings.topic, rejudges=settings.tier == "province")
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("aggregator.sink"),
        instance=settings.instance,
        topics=list(topics),
        gather_seconds=settings.sink_gather_seconds,
    )
    runner = Runner(
        service="aggregator.sink",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=SinkHandler(clickhouse, topics),
        batch_size=settings.sink_batch,
        progress=Progress(settings.stalled_seconds),
    )
    registry = RegistryTables(
        partial(_registry_reader, settings),
        clickhouse,
        load_national(),
        clock=partial(datetime.now, UTC),
        progress=Progress(settings.stalled_seconds, name="registry tables"),
    )
    checks = [consumer.problem, runner.progress.problem, _answers(clickhouse)]
    return Work(runner.run, checks=checks, tables=[registry])


def windows() -> Role:
    """Build the role ``windows``: window-dirty → averages in ClickHouse → aggregated."""
    # The codes of a country's stations are bound in one query.
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings), binds_in_body=True)
    registry = Registry()
    table = _registry_reader(settings, partial(apply_record, registry))
    aggregated, clock = settings.topic("aggregated"), partial(datetime.now, UTC)
    averages = AverageStep(
        ClickHouseAverages(clickhouse),
        registry,
        aggregated=aggregated,
        clock=clock,
        rules=settings.average_rules,
    )
    indices = IndexStep(
        ClickHouseIndices(clickhouse),
        registry,
        aggregated=aggregated,
        clock=clock,
        rules=settings.average_rules,
    )
    exceedances = ExceedanceStep(
        ClickHouseExceedances(clickhouse),
        registry,
        load_national(),
        aggregated=aggregated,
        clock=clock,
        rules=settings.average_rules,
    )
    digests = DigestStep(ClickHouseDigests(clickhouse), clock=clock)
    handler = WindowsHandler([averages, indices, exceedances, digests], registry)
    runner = StreamRunner(
        settings.kafka_connection,
        group=settings.topic("aggregator.windows"),
        topics=[settings.topic("window-dirty")],
        processor=BatchProcessor(
            service="aggregator.windows", producer=KafkaProducer(settings.kafka_connection), handler=handler
        ),
        interval=settings.windows_flush_seconds,
        folder=_folder(settings.windows_data),
        progress=Progress(settings.stalled_seconds),
        queue=DirtyQueue(),
    )
    return Work(runner.run, checks=[runner.problem, _answers(clickhouse)], tables=[table])


def watch() -> Role:
    """Build the role ``watch``: qa-flagged, aggregated → alert; a bad file of limits stops the start."""
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings))
    registry = Registry()
    table = _registry_reader(settings, partial(apply_record, registry))
    flagged, aggregated = settings.topic("qa-flagged"), settings.topic("aggregated")
    alerts, sink_group = settings.topic("alert"), settings.topic("aggregator.sink")
    handler = WatchHandler(
        clickhouse,
        registry,
        levels_of(load_national(), warning_shares()),
        flagged=flagged,
        alerts=alerts,
        stored_sets=GroupProgress(settings.kafka_connection, sink_group, flagged),
        stored_alerts=GroupProgress(settings.kafka_connection, sink_group, alerts),
        present=WaitingKeys(settings.kafka_connection, _groups(settings, _PRESENT)),
        past=WaitingKeys(settings.kafka_connection, _groups(settings, _PAST)),
        clock=lambda: datetime.now(UTC),
        rules=settings.watch_rules,
        compare_seconds=settings.watch_compare_seconds,
    )
    runner = StreamRunner(
        settings.kafka_connection,
        group=settings.topic("aggregator.watch"),
        topics=[flagged, aggregated],
        processor=BatchProcessor(
            service="aggregator.watch", producer=KafkaProducer(settings.kafka_connection), handler=handler
        ),
        interval=settings.watch_seconds,
        folder=_folder(settings.watch_data),
        # What came before is in ClickHouse: a new group need not read a month of readings.
        start="latest",
        on_tick=handler.set_assignment,
        progress=Progress(settings.stalled_seconds),
    )
    return Work(runner.run, checks=[runner.problem, _answers(clickhouse)], tables=[table])


def notify() -> Role:
    """Build the role ``notify``: alerts in ClickHouse → people; a bad file of targets stops the start."""
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings))
    if settings.notify_config is None:
        sys.exit("bad configuration: QUANTRAC_NOTIFY_CONFIG is not set")
    try:
        targets = load_targets(settings.notify_config, os.environ)
    except UserError as error:
        sys.exit(f"bad configuration: {error}")
    registry = Registry()
    table = _registry_reader(settings, partial(apply_record, registry))
    channels = {target.name: open_channel(target, os.environ) for target in targets}
    notifiers = {
        target.name: Notifier(
            target,
            channels[target.name],
            ClickHouseNotifications(clickhouse),
            registry,
            clock=lambda: datetime.now(UTC),
            seconds=settings.notify_seconds,
            days=settings.notify_days,
            progress=Progress(settings.stalled_seconds, name=target.name),
        )
        for target in targets
    }
    return Work(
        partial(run_threads, {name: notifier.run for name, notifier in notifiers.items()}),
        checks=[_answers(clickhouse), *(notifier.progress.problem for notifier in notifiers.values())],
        tables=[table],
        closing=[channel.close for channel in channels.values()],
    )


def _registry_reader(
    settings: AggregatorSettings, apply: Callable[[bytes, bytes | None], None]
) -> TableReader:
    topic = settings.topic("station-registry")
    return TableReader(settings.kafka_connection, topic, apply, stalled_seconds=settings.stalled_seconds)


def _groups(settings: AggregatorSettings, groups: Mapping[str, str]) -> dict[str, str]:
    """Return groups and topics under this deployment's prefix, but for those that this tier does not run."""
    return {
        settings.topic(group): settings.topic(topic)
        for group, topic in groups.items()
        if settings.tier == "province" or group.startswith("aggregator.")
    }


def _answers(clickhouse: ClickHouse) -> Check:
    return unless(clickhouse.answers, "ClickHouse does not answer")


def _folder(name: str) -> str:
    if not name:
        return tempfile.mkdtemp(prefix="quantrac-stream-")
    make_private_folder(Path(name))  # the library makes the last part only
    return name
