"""Builds the receiver's roles from settings: the only place here that makes real clients."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from confluent_kafka import KafkaException

from quantrac.domain.registry.registry import Registry
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer, ReportingProducer
from quantrac.io.kafka.readers import read_since, read_span
from quantrac.io.kafka.tables import TableReader, TopicReader
from quantrac.io.open_files import allow_open_files
from quantrac.io.private_files import make_private_folder
from quantrac.io.progress import Progress
from quantrac.io.records import DeliveryFailed, Record
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import HttpSettings, ServiceSettings, load
from quantrac.io.signing_keys import SigningKeys, rotate_keys
from quantrac.io.threads import run_threads
from quantrac.io.tls import server_tls
from schemas.messages.deliveries import RECEIPT_TYPE
from schemas.messages.open_questions import OpenQuestion
from schemas.registry import apply_record
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.access.refused_logins import RefusedLogins
from services.receiver.access.verified_passwords import VerifiedPasswordFile
from services.receiver.adapters.account_folders import AccountFolders
from services.receiver.adapters.folder.processed_files import ProcessedFiles
from services.receiver.adapters.folder.watcher import FolderRules, WatchedFolder
from services.receiver.adapters.ftp.server import FtpServer
from services.receiver.adapters.ftp.tls import Certificates
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.deliveries import deliveries_router
from services.receiver.adapters.http.files import files_router
from services.receiver.adapters.http.receipt_keys import keys_router
from services.receiver.adapters.http.refusal_log import RefusalLog
from services.receiver.adapters.http.registry import registry_router
from services.receiver.adapters.sftp.server import SftpServer
from services.receiver.config import BacklogSettings, DeliveriesSettings, DoorSettings, IntakeSettings
from services.receiver.deliveries.confirmed_writes import ConfirmedWrites
from services.receiver.deliveries.handler import DeliveryHandler
from services.receiver.deliveries.ledger import DeliveryLedger
from services.receiver.deliveries.receipts import ReceiptWriter
from services.receiver.deliveries.role import DeliveriesHealth, DeliveriesRole
from services.receiver.intake.handler import IntakeHandler
from services.receiver.intake.intake import Intake
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.parked_uploads import ParkedUploads
from services.receiver.intake.role import IntakeHealth, IntakeRole, Server
from services.receiver.intake.spool import Spool
from services.receiver.intake.uploads import Uploads
from services.receiver.parse.backlog import BATCH, LiveLane, PacedConsumer, Rereader
from services.receiver.parse.handler import ParseHandler
from services.receiver.parse.open_questions import OpenQuestions
from services.receiver.requests.handler import RequestHandler
from services.receiver.requests.keeper import RequestKeeper
from services.receiver.requests.kept_sets import KeptSets
from services.receiver.requests.table import RequestTable

# Spool, ledgers, the broker's connections, the log.
_OWN_FILES = 200
# A forwarder waits 30 s for its receipt; it must hear "later" before that.
_CONFIRM_DELIVERY_SECONDS = 10.0
_CONFIRM_ALERT_SECONDS = 10.0


def intake() -> Role:
    """Build the role ``intake``: the doors of the stations → raw-file."""
    settings, http = load(IntakeSettings), load(HttpSettings)
    if settings.tier == "ministry":
        sys.exit("bad configuration: QUANTRAC_TIER: the ministry runs the role deliveries, not intake")
    make_private_folder(settings.spool)
    registry = Registry()
    table = _registry_reader(settings, registry)
    # Two sockets an FTP client, and the passive listeners that wait for its data connection. No door's
    # connections take what another door needs.
    sockets = 4 * settings.ftp_max_connections + settings.sftp_max_connections + http.max_connections
    allow_open_files(sockets + _OWN_FILES)
    names = ("ftp", "sftp", "http", "folder", "uploads")
    loops = {name: Progress(settings.stalled_seconds, name=name) for name in names}
    ledger = Ledger(settings.spool / "ledger.sqlite")
    processed_files = ProcessedFiles(settings.spool / "folder.sqlite")
    folders = AccountFolders(settings.spool / "home", settings.account_folders)
    folders.root.mkdir(exist_ok=True)
    intake = _intake(settings, registry, ledger)
    uploads = _uploads(settings, registry, intake, loops["uploads"])
    refused = _login_refusals(settings)
    doors = _Doors(settings, registry, intake, uploads, _logins(settings, registry, refused), folders, loops)
    health = IntakeHealth(table, intake, list(loops.values()))
    servers: dict[str, Server] = {
        "ftp": _ftp_server(doors),
        "http": _http_server(doors, http, health),
    }
    if settings.sftp_enabled:
        servers["sftp"] = _sftp_server(doors)
    return IntakeRole(
        registry_table=table,
        intake=intake,
        uploads=uploads,
        logins=doors.logins,
        servers=servers,
        watched_folder=_watched_folder(doors, processed_files),
        health=health,
        prune_hourly=[ledger.prune, folders.prune],
        closing=[ledger.close, processed_files.close],
        clock=_now,
        refused=refused.run,
    )


def parse() -> Role:
    """Build the role ``parse``: raw-file → parsed-reading, open-question."""
    settings, registry = load(ServiceSettings), Registry()
    questions, questions_table = _open_questions(settings, registry)
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
    tables = [_registry_reader(settings, registry), questions_table]
    return Work(runner.run, checks=[consumer.problem, runner.progress.problem], tables=tables)


def backlog() -> Role:
    """Build the role ``backlog``: raw-file-backlog, and files worth reading again → parsed-reading."""
    settings, registry = load(BacklogSettings), Registry()
    questions, questions_table = _open_questions(settings, registry)
    parsed_reading = settings.topic("parsed-reading")
    live = LiveLane(
        KafkaAdmin(settings.kafka_connection).lag,
        {
            settings.topic("receiver.parse"): settings.topic("raw-file"),
            settings.topic("validator.validate"): parsed_reading,
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
        handler=ParseHandler(registry, parsed_reading, questions),
        batch_size=BATCH,
        progress=Progress(settings.stalled_seconds),
    )
    rereader = Rereader(
        questions=questions,
        handler=ParseHandler(registry, parsed_reading),
        files=partial(_files_since, settings),
        producer=KafkaProducer(settings.kafka_connection),
        is_short=live.is_short,
        progress=Progress(settings.stalled_seconds, name="files read again"),
    )
    return Work(
        partial(run_threads, {"lane": lane.run, "reread": rereader.run}),
        checks=[consumer.problem, lane.progress.problem, rereader.progress.problem],
        tables=[_registry_reader(settings, registry), questions_table],
    )


def deliveries() -> Role:
    """Build the ministry's role ``deliveries``: the provinces' deliveries → qa-flagged, delivery-receipt."""
    settings, http = load(DeliveriesSettings), load(HttpSettings)
    if settings.tier != "ministry":
        sys.exit("bad configuration: QUANTRAC_TIER: only the ministry runs the role deliveries")
    make_private_folder(settings.spool)
    registry = Registry()
    refused, requests = _login_refusals(settings), RequestTable(registry)
    logins = _logins(settings, registry, refused)
    names = ("http", "writes", "registry requests")
    loops = {name: Progress(settings.stalled_seconds, name=name) for name in names}
    tables = [
        _table(settings, "station-registry", requests.apply_registry),
        _table(settings, "registry-request", requests.apply_request),
    ]
    sets = KeptSets(requests.first_offset)
    sets_reader = TopicReader(
        settings.kafka_connection,
        settings.topic("unapproved-set"),
        sets.apply,
        stalled_seconds=settings.stalled_seconds,
    )
    checks = [*(table.problem for table in tables), sets_reader.standstill]
    health = DeliveriesHealth([*checks, *(loop.problem for loop in loops.values())])
    keys = _receipt_keys(settings)
    writes = ConfirmedWrites(
        ReportingProducer(settings.kafka_connection, linger_ms=5, delivery_timeout=_CONFIRM_DELIVERY_SECONDS),
        seconds=_CONFIRM_DELIVERY_SECONDS + 1,
        on_round=loops["writes"].round,
    )
    handler = DeliveryHandler(
        writes=writes,
        ledger=DeliveryLedger(settings.spool / "deliveries.sqlite"),
        receipts=ReceiptWriter(settings.ministry_name, partial(keys.sign, media_type=RECEIPT_TYPE)),
        clock=_now,
        topic=settings.topic("qa-flagged"),
        receipt_topic=settings.topic("delivery-receipt"),
        registry=registry,
        requests=requests,
        unapproved_topic=settings.topic("unapproved-set"),
        ahead=timedelta(minutes=settings.delivery_ahead_minutes),
    )
    request_handler = RequestHandler(
        table=requests,
        registry=registry,
        writes=writes,
        clock=_now,
        request_topic=settings.topic("registry-request"),
        registry_topic=settings.topic("station-registry"),
        automatic=settings.automatic_provinces,
    )
    keeper = RequestKeeper(
        table=requests,
        registry=registry,
        sets=sets,
        read_span=partial(_read_kept_sets, settings),
        writes=writes,
        clock=_now,
        request_topic=settings.topic("registry-request"),
        flagged_topic=settings.topic("qa-flagged"),
        progress=loops["registry requests"],
    )
    refusals = RefusalLog()
    app, auth = create_app(health=health.read, refusals=refusals), BasicAuth(logins, "province")
    app.include_router(deliveries_router(handler, auth))
    app.include_router(registry_router(request_handler, auth))
    app.include_router(keys_router(keys))
    address = settings.http_host, settings.http_port
    tls = server_tls(settings.http_tls)
    on_round = _in_turn(loops["http"].round, refusals.say)
    server = HttpServer(*address, app, limits=http, tls=tls, on_round=on_round)
    allow_open_files(http.max_connections + _OWN_FILES)
    return DeliveriesRole(
        tables=tables,
        sets_reader=sets_reader,
        logins=logins,
        server=server,
        health=health,
        loops={"writes": writes.run, "refused logins": refused.run, "registry requests": keeper.run},
    )


@dataclass(frozen=True, slots=True)
class _Doors:
    """What the doors of the intake are built from."""

    settings: IntakeSettings
    registry: Registry
    intake: Intake
    uploads: Uploads
    logins: Logins
    folders: AccountFolders
    loops: Mapping[str, Progress]


def _ftp_server(doors: _Doors) -> FtpServer:
    settings = doors.settings
    return FtpServer(
        (settings.ftp_host, settings.ftp_port),
        uploads=doors.uploads,
        logins=doors.logins,
        registry=doors.registry,
        clock=_now,
        folders=doors.folders,
        max_connections=settings.ftp_max_connections,
        max_connections_per_ip=settings.ftp_max_connections_per_ip,
        passive_ports=settings.passive_ports,
        public_address=settings.ftp_public_address,
        certificates=_certificates(settings),
        plain=settings.plain_ftp,
        login_seconds=settings.ftp_login_seconds,
        on_round=doors.loops["ftp"].round,
    )


def _certificates(settings: IntakeSettings) -> Certificates | None:
    if settings.ftp_certificate is None:
        return None
    return Certificates(settings.ftp_certificate, settings.ftp_key or settings.ftp_certificate)


def _http_server(doors: _Doors, http: HttpSettings, health: IntakeHealth) -> HttpServer:
    settings = doors.settings
    refusals = RefusalLog()
    app = create_app(health=health.read, refusals=refusals)
    app.include_router(
        files_router(
            doors.intake,
            BasicAuth(doors.logins, "station"),
            doors.logins.gate,
            read=ParseHandler(doors.registry, settings.topic("parsed-reading")).read,
            confirm_seconds=settings.http_confirm_seconds,
        )
    )
    address = settings.http_host, settings.http_port
    tls = server_tls(settings.http_tls)
    on_round = _in_turn(doors.loops["http"].round, refusals.say)
    return HttpServer(*address, app, limits=http, tls=tls, on_round=on_round)


def _in_turn(*calls: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        for step in calls:
            step()

    return call


def _sftp_server(doors: _Doors) -> SftpServer:
    settings = doors.settings
    return SftpServer(
        (settings.sftp_host, settings.sftp_port),
        uploads=doors.uploads,
        logins=doors.logins,
        registry=doors.registry,
        clock=_now,
        folders=doors.folders,
        keys=settings.spool,
        max_connections=settings.sftp_max_connections,
        on_round=doors.loops["sftp"].round,
    )


def _watched_folder(doors: _Doors, processed_files: ProcessedFiles) -> WatchedFolder | None:
    settings = doors.settings
    if settings.folder_root is None:
        return None
    return WatchedFolder(
        FolderRules(
            settings.folder_root,
            settings.folder_rest_seconds,
            settings.folder_rescan_seconds,
            settings.folder_after,
        ),
        intake=doors.intake,
        gate=doors.logins.gate,
        registry=doors.registry,
        processed=processed_files,
        is_temporary=doors.uploads.rules.is_temporary,
        clock=_now,
        on_round=doors.loops["folder"].round,
    )


def _intake(settings: IntakeSettings, registry: Registry, ledger: Ledger) -> Intake:
    return Intake(
        handler=IntakeHandler(
            registry,
            settings.topic("raw-file"),
            backlog=settings.topic("raw-file-backlog"),
            late_after=timedelta(hours=settings.late_after_hours),
        ),
        spool=Spool(settings.spool, settings.spool_limit_bytes),
        ledger=ledger,
        producer=ReportingProducer(settings.kafka_connection),
        clock=_now,
        progress=Progress(settings.stalled_seconds, name="spool"),
    )


def _uploads(settings: IntakeSettings, registry: Registry, intake: Intake, loop: Progress) -> Uploads:
    return Uploads(
        offer=intake.offer,
        account=lambda name: registry.account(name, _now()),
        storage=ParkedUploads(
            settings.spool / "parked",
            account_limit=settings.parked_bytes_per_account,
            limit=settings.parked_bytes,
        ),
        clock=_now,
        rules=settings.upload_rules,
        on_round=loop.round,
    )


def _login_refusals(settings: DoorSettings) -> RefusedLogins:
    producer = ReportingProducer(settings.kafka_connection, delivery_timeout=_CONFIRM_ALERT_SECONDS)
    file = settings.spool / "refused-logins.json"
    return RefusedLogins(file, producer, settings.topic("alert"), clock=_now, rules=settings.refusal_rules)


def _logins(settings: DoorSettings, registry: Registry, refused: RefusedLogins) -> Logins:
    folder = settings.spool
    passwords = VerifiedPasswordFile(folder / "logins", settings.login_key or folder / "logins.key")
    authenticator = Authenticator(registry, _now, passwords)
    return Logins(Gate(registry, authenticator, settings.account_limits, clock=_now, refused=refused))


def _receipt_keys(settings: DeliveriesSettings) -> SigningKeys:
    """Return the keys that sign receipts; in the spool, where no folder is named, the first is made."""
    folder = settings.receipt_keys or settings.spool / "receipt-keys"
    try:
        if settings.receipt_keys is None and not any(folder.glob("*.pem")):
            rotate_keys(folder)
        return SigningKeys(folder)
    except (ValueError, OSError) as error:
        sys.exit(f"bad configuration: QUANTRAC_RECEIPT_KEYS: {error}")


def _open_questions(settings: ServiceSettings, registry: Registry) -> tuple[OpenQuestions, TableReader]:
    questions = OpenQuestions(registry, settings.topic("open-question"))
    return questions, _table(settings, "open-question", questions.apply)


def _registry_reader(settings: ServiceSettings, registry: Registry) -> TableReader:
    return _table(settings, "station-registry", partial(apply_record, registry))


def _table(
    settings: ServiceSettings, topic: str, apply: Callable[[bytes, bytes | None], None]
) -> TableReader:
    connection, name = settings.kafka_connection, settings.topic(topic)
    return TableReader(connection, name, apply, stalled_seconds=settings.stalled_seconds)


def _files_since(settings: ServiceSettings, question: OpenQuestion) -> Iterator[Record]:
    for name in ("raw-file", "raw-file-backlog"):
        yield from read_since(
            settings.kafka_connection, settings.topic(name), question.partition, question.since
        )


def _read_kept_sets(settings: ServiceSettings, partition: int, first: int, end: int) -> Iterator[Record]:
    """Yield messages of ``unapproved-set``; raises ``DeliveryFailed`` where the broker does not answer."""
    try:
        yield from read_span(
            settings.kafka_connection, settings.topic("unapproved-set"), partition, first, end
        )
    except KafkaException as error:
        raise DeliveryFailed(f"unapproved-set cannot be read: {error.args[0].str()}") from error


def _now() -> datetime:
    return datetime.now(UTC)
