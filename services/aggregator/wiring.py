"""Builds the aggregator's roles from settings: the only place here that makes real clients."""

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka import KafkaConsumer, KafkaProducer, TableReader
from quantrac.io.role import Role, Work
from quantrac.io.runner import BatchProcessor, Runner
from quantrac.io.settings import ClickHouseSettings, load
from quantrac.io.stream import StreamRunner
from schemas.registry import apply_record
from services.aggregator.average_tables import ClickHouseAverages
from services.aggregator.config import AggregatorSettings
from services.aggregator.sink_handler import SinkHandler
from services.aggregator.windows_handler import WindowsHandler


def sink() -> Role:
    """Build the role ``sink``: qa-flagged, raw files, receipts → ClickHouse, window-dirty, rejudge."""
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings))
    flagged, receipts = settings.topic("qa-flagged"), settings.topic("delivery-receipt")
    raw = [settings.topic(name) for name in ("raw-file", "raw-file-backlog")]
    consumer = KafkaConsumer(
        settings.kafka,
        group=settings.topic("aggregator.sink"),
        instance=settings.instance,
        topics=[flagged, *raw, receipts],
        gather_seconds=settings.sink_gather_seconds,
    )
    runner = Runner(
        service="aggregator.sink",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka),
        handler=SinkHandler(
            clickhouse,
            flagged=flagged,
            raw=raw,
            receipts=receipts,
            dirty=settings.topic("window-dirty"),
            # What is unsettled is the province's to settle: its revisions come to the ministry like any set.
            rejudge=settings.topic("rejudge") if settings.tier == "province" else None,
        ),
        batch_size=settings.sink_batch,
    )
    return Work(runner.run, ready=lambda: consumer.ready and clickhouse.answers())


def windows() -> Role:
    """Build the role ``windows``: window-dirty → averages in ClickHouse → aggregated."""
    settings, clickhouse = load(AggregatorSettings), ClickHouse(load(ClickHouseSettings))
    registry = Registry()
    table = TableReader(settings.kafka, settings.topic("station-registry"), partial(apply_record, registry))
    handler = WindowsHandler(
        ClickHouseAverages(clickhouse),
        registry,
        aggregated=settings.topic("aggregated"),
        clock=lambda: datetime.now(UTC),
        rules=settings.average_rules,
    )
    runner = StreamRunner(
        settings.kafka,
        group=settings.topic("aggregator.windows"),
        topic=settings.topic("window-dirty"),
        processor=BatchProcessor(
            service="aggregator.windows", producer=KafkaProducer(settings.kafka), handler=handler
        ),
        interval=settings.windows_flush_seconds,
        folder=_folder(settings.windows_data),
    )
    return Work(runner.run, ready=lambda: runner.ready and clickhouse.answers(), tables=[table])


def _folder(name: str) -> str:
    if not name:
        return tempfile.mkdtemp(prefix="quantrac-windows-")
    Path(name).mkdir(parents=True, exist_ok=True)  # the library makes the last part only
    return name
