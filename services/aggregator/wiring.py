"""Builds the aggregator's roles from settings: the only place here that makes real clients."""

import tempfile
import threading
from datetime import UTC, datetime
from functools import partial

from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka import KafkaConsumer, KafkaProducer, TableReader
from quantrac.io.role import Role
from quantrac.io.runner import BatchProcessor, Runner
from quantrac.io.settings import ClickHouseSettings, load
from quantrac.io.stream import StreamRunner
from schemas.registry import apply_record
from schemas.topics import TOPICS
from services.aggregator.config import AggregatorSettings
from services.aggregator.sink_handler import SinkHandler
from services.aggregator.windows_handler import WindowsHandler


def sink() -> Role:
    """Build the role ``sink``."""
    return Sink(load(AggregatorSettings), ClickHouse(load(ClickHouseSettings)))


def windows() -> Role:
    """Build the role ``windows``."""
    return Windows(load(AggregatorSettings), ClickHouse(load(ClickHouseSettings)))


class Sink:
    """qa-flagged, raw-file, raw-file-backlog, delivery-receipt → ClickHouse → window-dirty."""

    def __init__(self, settings: AggregatorSettings, clickhouse: ClickHouse) -> None:
        flagged, receipts = settings.topic("qa-flagged"), settings.topic("delivery-receipt")
        raw = [settings.topic(name) for name in ("raw-file", "raw-file-backlog")]
        self._clickhouse = clickhouse
        self._consumer = KafkaConsumer(
            settings.kafka,
            group=settings.topic("aggregator.sink"),
            instance=settings.instance,
            topics=[flagged, *raw, receipts],
            gather_seconds=settings.sink_gather_seconds,
        )
        self._runner = Runner(
            service="aggregator.sink",
            consumer=self._consumer,
            producer=KafkaProducer(settings.kafka),
            handler=SinkHandler(
                clickhouse, flagged=flagged, raw=raw, receipts=receipts, dirty=settings.topic("window-dirty")
            ),
            batch_size=settings.sink_batch,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        self._runner.run(stop)

    def ready(self) -> bool:
        """Tell whether partitions are assigned and ClickHouse answers."""
        return self._consumer.ready and self._clickhouse.answers()


class Windows:
    """window-dirty → averages in ClickHouse → aggregated."""

    def __init__(self, settings: AggregatorSettings, clickhouse: ClickHouse) -> None:
        registry = Registry()
        self._registry = TableReader(
            settings.kafka, settings.topic("station-registry"), partial(apply_record, registry)
        )
        self._clickhouse = clickhouse
        handler = WindowsHandler(
            clickhouse, registry, aggregated=settings.topic("aggregated"), clock=lambda: datetime.now(UTC)
        )
        self._runner = StreamRunner(
            settings.kafka,
            group=settings.topic("aggregator.windows"),
            topic=settings.topic("window-dirty"),
            partitions=TOPICS["window-dirty"].partitions.local,
            processor=BatchProcessor(
                service="aggregator.windows", producer=KafkaProducer(settings.kafka), handler=handler
            ),
            interval=settings.windows_flush_seconds,
            folder=settings.windows_data or tempfile.mkdtemp(prefix="quantrac-windows-"),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        self._registry.start()
        try:
            self._runner.run(stop)
        finally:
            self._registry.close()

    def ready(self) -> bool:
        """Tell whether partitions are assigned and ClickHouse answers."""
        return self._runner.ready and self._clickhouse.answers()
