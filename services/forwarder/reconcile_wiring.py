"""Builds the role ``reconcile`` from settings; its deliveries are made by what ``wiring`` builds."""

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import unless
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import ClickHouseSettings, load
from quantrac.io.threads import run_threads
from quantrac.reconciliation.comparison import Comparison
from quantrac.reconciliation.settings import MinistryApiSettings
from quantrac.reconciliation.sources import MinistryApi
from schemas.clickhouse.data_share import read_shares
from services.forwarder.config import ReconcileSettings
from services.forwarder.delivery import MAX_SETS
from services.forwarder.reconcile.alert import NightlyAlert
from services.forwarder.reconcile.nightly import NightlyComparison
from services.forwarder.reconcile.shares import ShareCheck
from services.forwarder.redelivery import RedeliveryHandler
from services.forwarder.wiring import open_client, redelivery_sender

# So that not all provinces ask the ministry at once.
_SPREAD_SECONDS = 1_800


def reconcile() -> Role:
    """Build the role ``reconcile``: ClickHouse and the ministry's API → redelivery → ministry."""
    settings, api_settings = load(ReconcileSettings), load(MinistryApiSettings)
    clickhouse = ClickHouse(load(ClickHouseSettings), binds_in_body=True)
    clock = partial(datetime.now, UTC)
    client = open_client(settings)
    progress = Progress(settings.stalled_seconds, name="redelivery")
    sender = redelivery_sender(settings, client, progress)
    api = _open_api(api_settings)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("forwarder.reconcile"),
        instance=settings.instance,
        topics=[settings.topic("redelivery")],
        gather_seconds=settings.forward_gather_seconds,
    )
    runner = Runner(
        service="forwarder.reconcile",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=RedeliveryHandler(sender=sender),
        batch_size=MAX_SETS,
        progress=progress,
    )

    def compare(wait: Callable[[float], bool]) -> Comparison:
        producer = KafkaProducer(settings.kafka_connection) if settings.reconcile_repair else None
        return Comparison(
            clickhouse,
            api,
            settings.ministry_name,
            clock,
            redelivery=settings.topic("redelivery"),
            producer=producer,
            patience=settings.reconcile_patience_seconds,
            wait=wait,
        )

    alert = NightlyAlert(
        clickhouse, KafkaProducer(settings.kafka_connection), settings.topic("alert"), clock=clock
    )
    nightly = NightlyComparison(
        compare,
        clickhouse,
        alert,
        check_shares=ShareCheck(partial(read_shares, clickhouse, []), alert).check,
        at=settings.reconcile_at,
        jitter=timedelta(seconds=random.uniform(0, _SPREAD_SECONDS)),  # noqa: S311
        clock=clock,
    )
    return Work(
        partial(run_threads, {"redelivery": runner.run, "nightly": nightly.run}),
        checks=[
            consumer.problem,
            runner.progress.problem,
            nightly.progress.problem,
            unless(clickhouse.answers, "ClickHouse does not answer"),
        ],
        closing=[sender.close, client.close, api.close],
    )


def _open_api(settings: MinistryApiSettings) -> MinistryApi:
    try:
        tls = settings.tls()
    except ValueError as error:
        sys.exit(f"bad configuration: {error}")
    return MinistryApi(str(settings.api_url), settings.api_key.get_secret_value(), tls=tls)
