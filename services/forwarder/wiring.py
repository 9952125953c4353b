"""Builds the forwarder's role from settings: the only place here that makes real clients."""

import logging
import threading

from quantrac.io.kafka import KafkaConsumer, KafkaProducer
from quantrac.io.role import Role
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from services.forwarder.adapters.ministry_http import HttpMinistry
from services.forwarder.config import ForwarderSettings
from services.forwarder.delivery import MAX_SETS
from services.forwarder.handler import ForwardHandler

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def forward() -> Role:
    """Build the role ``forward``."""
    return Forward(load(ForwarderSettings))


class Forward:
    """qa-flagged → ministry → delivery-receipt."""

    def __init__(self, settings: ForwarderSettings) -> None:
        if settings.ministry_url.scheme == "http" and settings.ministry_url.host not in _LOOPBACK:
            log.warning("%s is not HTTPS: the password travels in the clear", settings.ministry_url)
        self._ministry = HttpMinistry(
            str(settings.ministry_url),
            settings.ministry_account,
            settings.ministry_password.get_secret_value(),
        )
        self._consumer = KafkaConsumer(
            settings.kafka,
            group=settings.topic("forwarder.forward"),
            instance=settings.instance,
            topics=[settings.topic("qa-flagged")],
            gather_seconds=settings.forward_gather_seconds,
        )
        self._runner = Runner(
            service="forwarder.forward",
            consumer=self._consumer,
            producer=KafkaProducer(settings.kafka),
            handler=ForwardHandler(
                ministry=self._ministry,
                target=settings.ministry_name,
                receipt_topic=settings.topic("delivery-receipt"),
            ),
            batch_size=MAX_SETS,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        try:
            self._runner.run(stop)
        finally:
            self._ministry.close()

    def ready(self) -> bool:
        """Tell whether partitions are assigned; a ministry that is down is waited for."""
        return self._consumer.ready
