"""Builds the forwarder's role from settings: the only place here that makes real clients."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import SpanReaders
from quantrac.io.kafka.tables import TableReader
from quantrac.io.progress import Progress
from quantrac.io.records import Handler
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from quantrac.io.threads import run_threads
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.backlog import RANGES, BacklogHandler
from services.forwarder.breaker import CircuitBreaker
from services.forwarder.config import ForwarderSettings
from services.forwarder.delivery import MAX_SETS
from services.forwarder.ministry import Ministry
from services.forwarder.ministry_keys import KEYS_FILE, MinistryKeys
from services.forwarder.present import PresentHandler
from services.forwarder.registry.entries import Entries
from services.forwarder.registry.first import RegistryFirst
from services.forwarder.registry.ministry import RegistryMinistry
from services.forwarder.registry.sync import RegistrySync
from services.forwarder.sender import Sender
from services.forwarder.verification import VerifiedMinistry

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")

# Some ten ranges of a partition: a batch has those of several, whose deliveries go beside each other.
_FETCHED_RANGES = 2_000


def forward() -> Role:
    """Build the role ``forward``: qa-flagged → ministry → delivery-receipt, in two lanes."""
    settings = load(ForwarderSettings)
    client = open_client(settings)
    sync, tables = _registry(settings, client)
    ministry = RegistryFirst(VerifiedMinistry(client, _ministry_keys(settings, client)), sync)
    readers = SpanReaders(settings.kafka_connection, settings.topic("qa-flagged"))
    breaker = CircuitBreaker()
    lanes = [_present(settings, ministry, breaker), _backlog(settings, ministry, breaker, readers)]
    return Work(
        partial(run_threads, {**{lane.name: lane.runner.run for lane in lanes}, "registry": sync.run}),
        checks=[
            *(check for lane in lanes for check in (lane.consumer.problem, lane.runner.progress.problem)),
            sync.progress.problem,
        ],
        tables=tables,
        closing=[*(lane.sender.close for lane in lanes), readers.close, client.close],
    )


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    consumer: KafkaConsumer
    sender: Sender
    runner: Runner


def _present(settings: ForwarderSettings, ministry: Ministry, breaker: CircuitBreaker) -> _Lane:
    progress = Progress(settings.stalled_seconds, name="present")
    sender = _sender(settings, ministry, breaker, progress)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("forwarder.forward"),
        instance=settings.instance,
        topics=[settings.topic("qa-flagged")],
        gather_seconds=settings.forward_gather_seconds,
    )
    handler = PresentHandler(sender=sender, late_topic=settings.topic("late-range"), clock=_now)
    runner = _runner(settings, consumer, handler, MAX_SETS, progress)
    return _Lane("present", consumer, sender, runner)


def _backlog(
    settings: ForwarderSettings, ministry: Ministry, breaker: CircuitBreaker, readers: SpanReaders
) -> _Lane:
    progress = Progress(settings.stalled_seconds, name="backlog")
    sender = _sender(settings, ministry, breaker, progress)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("forwarder.backlog"),
        instance=settings.instance,
        topics=[settings.topic("late-range")],
        fetch_bytes=_FETCHED_RANGES,
    )
    handler = BacklogHandler(sender=sender, read_span=readers.read)
    runner = _runner(settings, consumer, handler, RANGES, progress)
    return _Lane("backlog", consumer, sender, runner)


def _sender(
    settings: ForwarderSettings, ministry: Ministry, breaker: CircuitBreaker, progress: Progress
) -> Sender:
    return Sender(
        ministry=ministry,
        breaker=breaker,
        target=settings.ministry_name,
        account=settings.ministry_account,
        receipt_topic=settings.topic("delivery-receipt"),
        clock=_now,
        on_receipt=lambda _: progress.advance(),
    )


def _runner(
    settings: ForwarderSettings,
    consumer: KafkaConsumer,
    handler: Handler,
    batch_size: int,
    progress: Progress,
) -> Runner:
    return Runner(
        service="forwarder.forward",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=handler,
        batch_size=batch_size,
        progress=progress,
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


def open_client(settings: ForwarderSettings) -> HttpMinistry:
    """Return the ministry's door; without HTTPS, except on this machine, the log warns."""
    if settings.ministry_url.scheme == "http" and settings.ministry_url.host not in _LOOPBACK:
        log.warning("%s is not HTTPS: password and readings travel in the clear", settings.ministry_url.host)
    try:
        tls = settings.ministry_tls()
    except ValueError as error:
        sys.exit(f"bad configuration: {error}")
    return HttpMinistry(
        str(settings.ministry_url), settings.ministry_account, settings.present_password(), tls=tls
    )


def redelivery_sender(settings: ForwarderSettings, client: HttpMinistry, progress: Progress) -> Sender:
    """Return what delivers for the role ``reconcile``, whose circuit breaker is its own."""
    ministry = VerifiedMinistry(client, _ministry_keys(settings, client))
    return _sender(settings, ministry, CircuitBreaker(), progress)


def _ministry_keys(settings: ForwarderSettings, client: HttpMinistry) -> MinistryKeys:
    try:
        if settings.ministry_keys is not None:
            return MinistryKeys(settings.ministry_keys, None)
        return MinistryKeys(settings.forwarder_data / KEYS_FILE, client.fetch_keys)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: the ministry's keys: {error}")


def _now() -> datetime:
    return datetime.now(UTC)
