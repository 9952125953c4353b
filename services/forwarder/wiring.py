"""Builds the forwarder's role from settings: the only place here that makes real clients."""

import logging
import sys
from datetime import UTC, datetime

from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.config import ForwarderSettings
from services.forwarder.delivery import MAX_SETS
from services.forwarder.handler import ForwardHandler
from services.forwarder.ministry_keys import KEYS_FILE, MinistryKeys
from services.forwarder.verification import VerifiedMinistry

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def forward() -> Role:
    """Build the role ``forward``: qa-flagged → ministry → delivery-receipt."""
    settings = load(ForwarderSettings)
    client = open_client(settings)
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
        handler=delivery_handler(settings, client),
        batch_size=MAX_SETS,
        progress=Progress(settings.stalled_seconds),
    )
    return Work(runner.run, checks=[consumer.problem, runner.progress.problem], closing=[client.close])


def open_client(settings: ForwarderSettings) -> HttpMinistry:
    """Return the ministry's door; without HTTPS, except on this machine, the log warns."""
    if settings.ministry_url.scheme == "http" and settings.ministry_url.host not in _LOOPBACK:
        log.warning("%s is not HTTPS: the password travels in the clear", settings.ministry_url.host)
    password = settings.ministry_password.get_secret_value()
    return HttpMinistry(str(settings.ministry_url), settings.ministry_account, password)


def delivery_handler(settings: ForwarderSettings, client: HttpMinistry) -> ForwardHandler:
    """Return what delivers the sets of a topic, whichever it is."""
    return ForwardHandler(
        ministry=VerifiedMinistry(client, _ministry_keys(settings, client)),
        target=settings.ministry_name,
        account=settings.ministry_account,
        receipt_topic=settings.topic("delivery-receipt"),
        clock=lambda: datetime.now(UTC),
    )


def _ministry_keys(settings: ForwarderSettings, client: HttpMinistry) -> MinistryKeys:
    try:
        if settings.ministry_keys is not None:
            return MinistryKeys(settings.ministry_keys, None)
        return MinistryKeys(settings.forwarder_data / KEYS_FILE, client.fetch_keys)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: the ministry's keys: {error}")
