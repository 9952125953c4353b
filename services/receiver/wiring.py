"""Builds the receiver's roles from settings: the only place here that makes real clients."""

import logging
import threading
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from quantrac.domain.stations import Registry
from quantrac.io.crew import run_together
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka import KafkaConsumer, KafkaProducer, TableReader
from quantrac.io.limits import allow_open_files
from quantrac.io.role import Role
from quantrac.io.runner import Runner
from quantrac.io.settings import ServiceSettings, load
from schemas.registry import apply_record
from services.receiver.adapters.basic_auth import BasicAuth
from services.receiver.adapters.deliveries import deliveries_router
from services.receiver.adapters.files import files_router
from services.receiver.adapters.ftp import FtpServer
from services.receiver.adapters.ftp_folders import prune
from services.receiver.adapters.http import create_app
from services.receiver.authentication import Authenticator
from services.receiver.config import IntakeSettings
from services.receiver.deliveries import Deliveries
from services.receiver.delivery_ledger import DeliveryLedger
from services.receiver.handler import IntakeHandler, ParseHandler
from services.receiver.intake import Intake
from services.receiver.ledger import Ledger
from services.receiver.spool import Spool

log = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 3600.0

# A forwarder waits 30 s for its receipt; it must hear "later" before that.
_CONFIRM_DELIVERY_SECONDS = 10.0


def intake() -> Role:
    """Build the role ``intake``: a province takes files, the ministry takes deliveries."""
    settings = load(IntakeSettings)
    return DeliveriesRole(settings) if settings.tier == "ministry" else IntakeRole(settings)


def parse() -> Role:
    """Build the role ``parse``."""
    return ParseRole(load(ServiceSettings))


def _now() -> datetime:
    return datetime.now(UTC)


def _registry_reader(settings: ServiceSettings, registry: Registry) -> TableReader:
    return TableReader(settings.kafka, settings.topic("station-registry"), partial(apply_record, registry))


class IntakeRole:
    """FTP, HTTP → spool → raw-file."""

    def __init__(self, settings: IntakeSettings) -> None:
        registry = Registry()
        self._open = False
        self._table = _registry_reader(settings, registry)
        self._ledger = Ledger(settings.spool / "ledger.sqlite")
        self._intake = Intake(
            handler=IntakeHandler(registry, settings.topic("raw-file")),
            spool=Spool(settings.spool, settings.spool_limit_bytes),
            ledger=self._ledger,
            producer=KafkaProducer(settings.kafka),
            clock=_now,
        )
        self._home = settings.spool / "home"
        self._home.mkdir(exist_ok=True)
        authenticator = Authenticator(registry, _now)
        self._http = HttpServer(settings.http_host, settings.http_port, self._app(settings, authenticator))
        # Two sockets a client, and the passive listeners that wait for its data connection.
        allow_open_files(4 * settings.ftp_max_connections)
        self._ftp = FtpServer(
            (settings.ftp_host, settings.ftp_port),
            intake=self._intake,
            authenticator=authenticator,
            registry=registry,
            clock=_now,
            home=self._home,
            max_file_bytes=settings.max_file_bytes,
            max_connections=settings.ftp_max_connections,
            max_connections_per_ip=settings.ftp_max_connections_per_ip,
            passive_ports=settings.passive_ports,
            public_address=settings.ftp_public_address,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; no door opens before the registry is known."""
        self._table.start()
        self._open = True
        log.info("ftp on %s:%d, http on %s:%d", *self._ftp.address, *self._http.address)
        try:
            run_together(
                {
                    "ftp": self._ftp.run,
                    "http": self._http.run,
                    "sender": self._intake.sender.run,
                    "housekeeping": self._keep_house,
                },
                stop,
            )
        finally:
            self._intake.close()
            self._table.close()
            self._ledger.close()

    def ready(self) -> bool:
        """Tell whether another file can be accepted; the broker may be away meanwhile."""
        return self._open and self._intake.ready

    def _app(self, settings: IntakeSettings, authenticator: Authenticator) -> FastAPI:
        app = create_app(ready=self.ready)
        app.include_router(
            files_router(
                self._intake,
                BasicAuth(authenticator, "station"),
                max_file_bytes=settings.max_file_bytes,
                confirm_seconds=settings.http_confirm_seconds,
            )
        )
        return app

    def _keep_house(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._ledger.prune(_now())
            prune(self._home, _now())
            stop.wait(_HOUSEKEEPING_SECONDS)


class DeliveriesRole:
    """The provinces' deliveries → qa-flagged."""

    def __init__(self, settings: IntakeSettings) -> None:
        registry = Registry()
        self._open = False
        self._table = _registry_reader(settings, registry)
        deliveries = Deliveries(
            producer=KafkaProducer(settings.kafka, delivery_timeout=_CONFIRM_DELIVERY_SECONDS),
            memory=DeliveryLedger(settings.spool / "deliveries.sqlite"),
            clock=_now,
            topic=settings.topic("qa-flagged"),
        )
        app = create_app(ready=self.ready)
        app.include_router(
            deliveries_router(deliveries, BasicAuth(Authenticator(registry, _now), "province"))
        )
        self._http = HttpServer(settings.http_host, settings.http_port, app)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; the door does not open before the registry is known."""
        self._table.start()
        self._open = True
        log.info("http on %s:%d", *self._http.address)
        try:
            self._http.run(stop)
        finally:
            self._table.close()

    def ready(self) -> bool:
        """Tell whether deliveries are taken; the broker may be away meanwhile."""
        return self._open


class ParseRole:
    """raw-file → parsed-reading."""

    def __init__(self, settings: ServiceSettings) -> None:
        registry = Registry()
        self._table = _registry_reader(settings, registry)
        self._consumer = KafkaConsumer(
            settings.kafka,
            group=settings.topic("receiver.parse"),
            instance=settings.instance,
            topics=[settings.topic("raw-file")],
        )
        self._runner = Runner(
            service="receiver.parse",
            consumer=self._consumer,
            producer=KafkaProducer(settings.kafka),
            handler=ParseHandler(registry, settings.topic("parsed-reading")),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        self._table.start()
        try:
            self._runner.run(stop)
        finally:
            self._table.close()

    def ready(self) -> bool:
        """Tell whether the group has given this process its partitions."""
        return self._consumer.ready
