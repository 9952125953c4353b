"""Builds the receiver's roles from settings: the only place here that makes real clients."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from quantrac.domain.stations import Registry
from quantrac.io.crew import Loop, run_together
from quantrac.io.health import Health, first_problem, unless
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka import KafkaAdmin, KafkaConsumer, KafkaProducer, TableReader, read_since
from quantrac.io.limits import allow_open_files
from quantrac.io.private_files import make_private_folder
from quantrac.io.progress import Progress
from quantrac.io.records import Record
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import HttpSettings, ServiceSettings, load
from schemas.messages.open_questions import OpenQuestion
from schemas.registry import apply_record
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.access.verified_passwords import FileProofs
from services.receiver.adapters.account_folders import Homes
from services.receiver.adapters.folder.processed_files import TakenFiles
from services.receiver.adapters.folder.watcher import FolderRules, WatchedFolder
from services.receiver.adapters.ftp.server import FtpServer
from services.receiver.adapters.ftp.tls import Certificates
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.deliveries import deliveries_router
from services.receiver.adapters.http.files import files_router
from services.receiver.adapters.sftp.server import SftpServer
from services.receiver.config import BacklogSettings, IntakeSettings
from services.receiver.deliveries.handler import Deliveries
from services.receiver.deliveries.ledger import DeliveryLedger
from services.receiver.intake.handler import IntakeHandler
from services.receiver.intake.intake import Intake
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.parked_uploads import Parking
from services.receiver.intake.spool import Spool
from services.receiver.intake.uploads import Uploads
from services.receiver.parse.backlog import BATCH, LiveLane, PacedConsumer, Rereader
from services.receiver.parse.handler import ParseHandler
from services.receiver.parse.open_questions import Questions

log = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 3600.0
# Spool, ledgers, the broker's connections, the log.
_OWN_FILES = 200

# A forwarder waits 30 s for its receipt; it must hear "later" before that.
_CONFIRM_DELIVERY_SECONDS = 10.0


def intake() -> Role:
    """Build the role ``intake``: a province takes files, the ministry takes deliveries."""
    settings, http = load(IntakeSettings), load(HttpSettings)
    make_private_folder(settings.spool)
    return DeliveriesRole(settings, http) if settings.tier == "ministry" else IntakeRole(settings, http)


def parse() -> Role:
    """Build the role ``parse``: raw-file → parsed-reading, open-question."""
    settings, registry = load(ServiceSettings), Registry()
    questions, asked = _questions(settings, registry)
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("receiver.parse"),
        instance=settings.instance,
        topics=[settings.topic("raw-file")],
    )
    runner = Runner(
        service="receiver.parse",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=ParseHandler(registry, settings.topic("parsed-reading"), questions),
        progress=Progress(settings.stalled_seconds),
    )
    tables = [_registry_reader(settings, registry), asked]
    return Work(runner.run, checks=[consumer.problem, runner.progress.problem], tables=tables)


def backlog() -> Role:
    """Build the role ``backlog``: raw-file-backlog, and files worth reading again → parsed-reading."""
    settings, registry = load(BacklogSettings), Registry()
    questions, asked = _questions(settings, registry)
    parsed = settings.topic("parsed-reading")
    live = LiveLane(
        KafkaAdmin(settings.kafka_connection).lag,
        {
            settings.topic("receiver.parse"): settings.topic("raw-file"),
            settings.topic("validator.validate"): parsed,
        },
        settings.backlog_live_lag,
    )
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("receiver.backlog"),
        instance=settings.instance,
        topics=[settings.topic("raw-file-backlog")],
    )
    lane = Runner(
        service="receiver.backlog",
        consumer=PacedConsumer(consumer, live.is_short),
        producer=KafkaProducer(settings.kafka_connection),
        handler=ParseHandler(registry, parsed, questions),
        batch_size=BATCH,
        progress=Progress(settings.stalled_seconds),
    )
    rereader = Rereader(
        questions=questions,
        handler=ParseHandler(registry, parsed),
        files=partial(_files_since, settings),
        producer=KafkaProducer(settings.kafka_connection),
        is_short=live.is_short,
        progress=Progress(settings.stalled_seconds, name="files read again"),
    )
    return Work(
        partial(run_together, {"lane": lane.run, "reread": rereader.run}),
        checks=[consumer.problem, lane.progress.problem, rereader.progress.problem],
        tables=[_registry_reader(settings, registry), asked],
    )


def _files_since(settings: ServiceSettings, question: OpenQuestion) -> Iterator[Record]:
    for name in ("raw-file", "raw-file-backlog"):
        yield from read_since(
            settings.kafka_connection, settings.topic(name), question.partition, question.since
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _registry_reader(settings: ServiceSettings, registry: Registry) -> TableReader:
    return _table(settings, "station-registry", partial(apply_record, registry))


def _table(
    settings: ServiceSettings, topic: str, apply: Callable[[bytes, bytes | None], None]
) -> TableReader:
    connection, name = settings.kafka_connection, settings.topic(topic)
    return TableReader(connection, name, apply, stalled_seconds=settings.stalled_seconds)


def _questions(settings: ServiceSettings, registry: Registry) -> tuple[Questions, TableReader]:
    questions = Questions(registry, settings.topic("open-question"))
    return questions, _table(settings, "open-question", questions.apply)


def _logins(settings: IntakeSettings, registry: Registry) -> Logins:
    folder = settings.spool
    proofs = FileProofs(folder / "logins", settings.login_key or folder / "logins.key")
    authenticator = Authenticator(registry, _now, proofs)
    return Logins(Gate(registry, authenticator, settings.account_limits, clock=_now))


def _certificates(settings: IntakeSettings) -> Certificates | None:
    if settings.ftp_certificate is None:
        return None
    return Certificates(settings.ftp_certificate, settings.ftp_key or settings.ftp_certificate)


class IntakeRole:
    """FTP, SFTP, HTTP, watched folder → spool → raw-file."""

    def __init__(self, settings: IntakeSettings, http: HttpSettings) -> None:
        registry = Registry()
        self._table = _registry_reader(settings, registry)
        # A door whose loop hangs takes nothing, while the others and this process live.
        self._loops = {
            name: Progress(settings.stalled_seconds, name=name)
            for name in ("ftp", "sftp", "http", "folder", "uploads")
        }
        self._ledger = Ledger(settings.spool / "ledger.sqlite")
        self._intake = Intake(
            handler=IntakeHandler(
                registry,
                settings.topic("raw-file"),
                backlog=settings.topic("raw-file-backlog"),
                late_after=timedelta(hours=settings.late_after_hours),
            ),
            spool=Spool(settings.spool, settings.spool_limit_bytes),
            ledger=self._ledger,
            producer=KafkaProducer(settings.kafka_connection),
            clock=_now,
            progress=Progress(settings.stalled_seconds, name="spool"),
        )
        self._homes = Homes(settings.spool / "home", settings.account_folders)
        self._homes.root.mkdir(exist_ok=True)
        self._logins = _logins(settings, registry)
        self._http = HttpServer(
            settings.http_host,
            settings.http_port,
            self._app(settings, registry),
            limits=http,
            on_round=self._loops["http"].round,
        )
        # Two sockets an FTP client, and the passive listeners that wait for its data connection. No door's
        # connections take what another door needs.
        doors = 4 * settings.ftp_max_connections + settings.sftp_max_connections + http.max_connections
        allow_open_files(doors + _OWN_FILES)
        self._uploads = Uploads(
            offer=self._intake.offer,
            account=lambda name: registry.account(name, _now()),
            parking=Parking(
                settings.spool / "parked",
                account_limit=settings.parked_bytes_per_account,
                limit=settings.parked_bytes,
            ),
            clock=_now,
            rules=settings.upload_rules,
            on_round=self._loops["uploads"].round,
        )
        self._ftp = FtpServer(
            (settings.ftp_host, settings.ftp_port),
            uploads=self._uploads,
            logins=self._logins,
            registry=registry,
            clock=_now,
            homes=self._homes,
            max_connections=settings.ftp_max_connections,
            max_connections_per_ip=settings.ftp_max_connections_per_ip,
            passive_ports=settings.passive_ports,
            public_address=settings.ftp_public_address,
            certificates=_certificates(settings),
            plain=settings.plain_ftp,
            login_seconds=settings.ftp_login_seconds,
            on_round=self._loops["ftp"].round,
        )
        self._sftp = self._sftp_server(settings, registry) if settings.sftp_enabled else None
        self._taken = TakenFiles(settings.spool / "folder.sqlite")
        self._folder = self._watched_folder(settings, settings.folder_root, registry)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; no door opens before the registry is known."""
        self._table.start()
        try:
            run_together(self._doors() | self._inner_loops(), stop)
        finally:
            self._logins.close()
            self._uploads.close()
            self._intake.close()
            self._table.close()
            self._ledger.close()
            self._taken.close()

    def health(self) -> Health:
        """Tell whether another file can be accepted; the broker may be away meanwhile, and is named then."""
        full = unless(lambda: self._intake.ready, "the spool is full")
        problem = first_problem([self._table.problem, full, *(loop.problem for loop in self._loops.values())])
        return Health(not problem, problem or self._intake.sender.progress.problem())

    def _doors(self) -> dict[str, Loop]:
        log.info("ftp on %s:%d, http on %s:%d", *self._ftp.address, *self._http.address)
        doors: dict[str, Loop] = {"ftp": self._ftp.run, "http": self._http.run}
        if self._sftp is not None:
            log.info("sftp on %s:%d", *self._sftp.address)
            doors["sftp"] = self._sftp.run
        if self._folder is not None:
            doors["folder"] = self._folder.run
        return doors

    def _inner_loops(self) -> dict[str, Loop]:
        return {
            "uploads": self._uploads.run,
            "sender": self._intake.sender.run,
            "housekeeping": self._keep_house,
        }

    def _sftp_server(self, settings: IntakeSettings, registry: Registry) -> SftpServer:
        return SftpServer(
            (settings.sftp_host, settings.sftp_port),
            uploads=self._uploads,
            logins=self._logins,
            registry=registry,
            clock=_now,
            homes=self._homes,
            keys=settings.spool,
            max_connections=settings.sftp_max_connections,
            on_round=self._loops["sftp"].round,
        )

    def _watched_folder(
        self, settings: IntakeSettings, root: Path | None, registry: Registry
    ) -> WatchedFolder | None:
        if root is None:
            return None
        return WatchedFolder(
            FolderRules(
                root, settings.folder_rest_seconds, settings.folder_rescan_seconds, settings.folder_after
            ),
            intake=self._intake,
            gate=self._logins.gate,
            registry=registry,
            taken=self._taken,
            is_temporary=self._uploads.rules.is_temporary,
            clock=_now,
            on_round=self._loops["folder"].round,
        )

    def _app(self, settings: IntakeSettings, registry: Registry) -> FastAPI:
        app = create_app(health=self.health)
        app.include_router(
            files_router(
                self._intake,
                BasicAuth(self._logins, "station"),
                self._logins.gate,
                read=ParseHandler(registry, settings.topic("parsed-reading")).read,
                confirm_seconds=settings.http_confirm_seconds,
            )
        )
        return app

    def _keep_house(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._ledger.prune(_now())
            self._homes.prune(_now())
            stop.wait(_HOUSEKEEPING_SECONDS)


class DeliveriesRole:
    """The provinces' deliveries → qa-flagged."""

    def __init__(self, settings: IntakeSettings, http: HttpSettings) -> None:
        registry = Registry()
        self._loop = Progress(settings.stalled_seconds, name="http")
        self._table = _registry_reader(settings, registry)
        deliveries = Deliveries(
            producer=KafkaProducer(settings.kafka_connection, delivery_timeout=_CONFIRM_DELIVERY_SECONDS),
            memory=DeliveryLedger(settings.spool / "deliveries.sqlite"),
            clock=_now,
            topic=settings.topic("qa-flagged"),
            registry=registry,
            ahead=timedelta(minutes=settings.delivery_ahead_minutes),
        )
        app = create_app(health=self.health)
        self._logins = _logins(settings, registry)
        app.include_router(deliveries_router(deliveries, BasicAuth(self._logins, "province")))
        address = settings.http_host, settings.http_port
        self._http = HttpServer(*address, app, limits=http, on_round=self._loop.round)
        allow_open_files(http.max_connections + _OWN_FILES)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; the door does not open before the registry is known."""
        self._table.start()
        log.info("http on %s:%d", *self._http.address)
        try:
            self._http.run(stop)
        finally:
            self._logins.close()
            self._table.close()

    def health(self) -> Health:
        """Tell whether deliveries are taken; the broker may be away meanwhile."""
        problem = first_problem([self._table.problem, self._loop.problem])
        return Health(not problem, problem)
