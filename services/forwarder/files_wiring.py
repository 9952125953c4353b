"""Builds the role ``files`` from settings: the only place here that makes real clients."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from quantrac.domain.registry.registry import Registry
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.outbox import OUTBOX_FILE, Outbox
from quantrac.io.private_files import make_private_folder
from quantrac.io.progress import Progress
from quantrac.io.role import Role, Work
from quantrac.io.runner import Runner
from quantrac.io.settings import load
from quantrac.io.threads import run_threads
from schemas.registry import apply_record
from services.forwarder.adapters.ftp_target import FtpTarget
from services.forwarder.adapters.sftp_target import SftpTarget
from services.forwarder.files.config import FileTargetSettings
from services.forwarder.files.handler import FilesHandler, Selection
from services.forwarder.files.housekeeping import Housekeeping
from services.forwarder.files.sender import Sender
from services.forwarder.files.target import FileTarget

# Each set is a row or some of the outbox, whose lock the senders wait for meanwhile.
_BATCH = 500


def files() -> Role:
    """Build the role ``files``: qa-flagged, and raw files of some stations → outbox → a file target."""
    settings, registry = load(FileTargetSettings), Registry()
    make_private_folder(settings.file_target_data)
    outbox = Outbox(settings.file_target_data / OUTBOX_FILE)
    flagged = settings.topic("qa-flagged")
    selection = Selection(
        flags=settings.flags,
        since=settings.since(outbox.creation),
        stations=frozenset(settings.file_target_stations.split()),
        own_bytes=frozenset(settings.file_target_own_bytes.split()),
    )
    raw = [settings.topic(name) for name in ("raw-file", "raw-file-backlog") if selection.own_bytes]
    consumer = KafkaConsumer(
        settings.kafka_connection,
        group=settings.topic("forwarder.files"),
        instance=settings.instance,
        topics=[flagged, *raw],
    )
    runner = Runner(
        service="forwarder.files",
        consumer=consumer,
        producer=KafkaProducer(settings.kafka_connection),
        handler=FilesHandler(outbox, registry, selection, flagged_topic=flagged),
        batch_size=_BATCH,
        progress=Progress(settings.stalled_seconds),
    )
    make_target = _file_target(settings)
    senders = [
        Sender(
            outbox,
            make_target(),
            clock=_now,
            share=(number, settings.file_target_connections),
            present_first=settings.file_target_order == "present-first",
            progress=Progress(settings.stalled_seconds, name="file target"),
        )
        for number in range(settings.file_target_connections)
    ]
    housekeeping = Housekeeping(outbox, days=settings.file_target_days, clock=_now)
    loops = {"outbox": runner.run, "housekeeping": housekeeping.run}
    loops |= {f"sender {number}": sender.run for number, sender in enumerate(senders)}
    table = TableReader(
        settings.kafka_connection,
        settings.topic("station-registry"),
        partial(apply_record, registry),
        stalled_seconds=settings.stalled_seconds,
    )
    return Work(
        partial(run_threads, loops),
        checks=[
            consumer.problem,
            runner.progress.problem,
            *(sender.progress.problem for sender in senders),
        ],
        tables=[table],
        closing=[outbox.close],
    )


def _file_target(settings: FileTargetSettings) -> Callable[[], FileTarget]:
    """Return what makes a connection to the target of the settings."""
    address, password = settings.address, settings.file_target_password.get_secret_value()
    common = {"base": address.base, "account": settings.file_target_account, "password": password}
    if address.scheme == "sftp":
        assert settings.file_target_known_hosts is not None  # noqa: S101 - the settings see to it
        return partial(
            SftpTarget,
            address.host,
            address.port,
            known_hosts=settings.file_target_known_hosts,
            key=settings.file_target_key,
            **common,
        )
    tls = None
    if address.scheme == "ftps":
        tls = ssl.create_default_context(cafile=settings.file_target_authorities)
    return partial(FtpTarget, address.host, address.port, tls=tls, **common)


def _now() -> datetime:
    return datetime.now(UTC)
