"""Builds the forwarder's role from settings: the only place here that makes real clients."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from quantrac.io.threads import run_threads
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.config import ForwarderSettings
from services.forwarder.delivery import MAX_SETS
from services.forwarder.handler import ForwardHandler
from services.forwarder.ministry_keys import KEYS_FILE, MinistryKeys
from services.forwarder.registry.entries import Entries
from services.forwarder.registry.first import RegistryFirst
from services.forwarder.registry.ministry import RegistryMinistry
from services.forwarder.registry.sync import RegistrySync
from services.forwarder.verification import VerifiedMinistry

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def forward() -> Role:
    """Build the role ``forward``: qa-flagged → ministry → delivery-receipt."""
    settings = load(ForwarderSettings)
    if settings.ministry_url.scheme == "http" and settings.ministry_url.host not in _LOOPBACK:
        log.warning("%s is not HTTPS: password and readings travel in the clear", settings.ministry_url.host)
    try:
        tls = settings.ministry_tls()
    except ValueError as error:
        sys.exit(f"bad configuration: {error}")
    client = HttpMinistry(
        str(settings.ministry_url),
        settings.ministry_account,
        settings.present_password(),
        tls=tls,
    )
    sync, tables = _registry(settings, client)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("forwarder.forward"),
        instance=settings.instance,
        topics=[settings.topic("qa-flagged")],
        gather_seconds=settings.forward_gather_seconds,
    )
    runner = Runner(
        service="forwarder.forward",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=ForwardHandler(
            ministry=RegistryFirst(VerifiedMinistry(client, _ministry_keys(settings, client)), sync),
            target=settings.ministry_name,
            account=settings.ministry_account,
            receipt_topic=settings.topic("delivery-receipt"),
            clock=_now,
        ),
        batch_size=MAX_SETS,
        progress=Progress(settings.stalled_seconds),
    )
    return Work(
        partial(run_threads, {"forward": runner.run, "registry": sync.run}),
        checks=[consumer.problem, runner.progress.problem, sync.progress.problem],
        tables=tables,
        closing=[client.close],
    )


def _registry(
    settings: ForwarderSettings, ministry: RegistryMinistry
) -> tuple[RegistrySync, Sequence[TableReader]]:
    """Build the loop that brings the stations to the ministry, and the tables that it reads first."""
    entries = Entries(settings.ministry_account, clock=_now)
    sync = RegistrySync(
        entries=entries,
        ministry=ministry,
        producer=KafkaProducer(settings.kafka_connection),
        topic=settings.topic("registry-request"),
        progress=Progress(settings.stalled_seconds, name="registry"),
    )

    def apply_registry(key: bytes, value: bytes | None) -> None:
        entries.apply_registry(key, value)
        sync.note_change()

    return sync, [
        TableReader(
            settings.kafka_connection,
            settings.topic(topic),
            apply,
            stalled_seconds=settings.stalled_seconds,
        )
        for topic, apply in (
            ("registry-request", entries.apply_request),
            ("station-registry", apply_registry),
        )
    ]


def _ministry_keys(settings: ForwarderSettings, client: HttpMinistry) -> MinistryKeys:
    try:
        if settings.ministry_keys is not None:
            return MinistryKeys(settings.ministry_keys, None)
        return MinistryKeys(settings.forwarder_data / KEYS_FILE, client.fetch_keys)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: the ministry's keys: {error}")


def _now() -> datetime:
    return datetime.now(UTC)
