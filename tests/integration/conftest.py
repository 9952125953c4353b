"""A real broker for the whole session, topics of its own for every test, and a receiver with open doors."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.domain.registry.registry import Registry
from quantrac.io.health import Health
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.settings import ClickHouseSettings
from quantrac.io.threads import run_threads
from quantrac.local.broker import running_broker
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import account, registry
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.account_folders import AccountFolders
from services.receiver.adapters.folder.processed_files import ProcessedFiles
from services.receiver.adapters.folder.watcher import FolderRules, WatchedFolder
from services.receiver.adapters.ftp.server import FtpServer
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.files import files_router
from services.receiver.adapters.sftp.server import SftpServer
from services.receiver.intake.handler import IntakeHandler
from services.receiver.intake.intake import Intake
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.parked_uploads import ParkedUploads
from services.receiver.intake.spool import Spool
from services.receiver.intake.uploads import Uploads
from services.receiver.parse.handler import ParseHandler
from support.clickhouse import ANALYST_DATABASES, database
from support.tls import Pair
from support.waiting import LIMIT


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaConnection]:
    """A real Apache Kafka, with a login."""
    with running_broker(tmp_path_factory.mktemp("kafka"), LIMIT) as connection:
        yield connection


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def topics(kafka: KafkaConnection, prefix: str) -> Callable[..., str]:
    """Create a topic under the test's prefix: `topics("raw-file")` returns its full name."""

    def create(name: str, *, partitions: int = 3, config: dict[str, str] | None = None) -> str:
        topic = TopicSettings(prefix + name, partitions, 1, config or {})
        KafkaAdmin(kafka).create([topic])
        return topic.name

    return create


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseSettings]:
    """The local ClickHouse server: the real engine in a process of its own."""
    folder, password = tmp_path_factory.mktemp("clickhouse"), "integration"
    command = [sys.executable, "-m", "quantrac.local.clickhouse_server", "--data", str(folder), "--port", "0"]
    environment = {**os.environ, "QUANTRAC_CLICKHOUSE_PASSWORD": password}
    environment["QUANTRAC_CLICKHOUSE_ANALYSTS"] = json.dumps(dict.fromkeys(ANALYST_DATABASES, "questions"))
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        yield ClickHouseSettings(port=port, user="quantrac", password=password)
        process.terminate()


@pytest.fixture(scope="session")
def analyst(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    """The same server for the login that reads the database ``hn``."""
    return clickhouse_server.model_copy(
        update={"user": "analyst_hn", "password": "questions", "database": "hn"}
    )


@pytest.fixture(scope="module")
def clickhouse(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    """A database of the module's own, with every table."""
    return database(clickhouse_server, f"t{uuid.uuid4().hex[:8]}")


class Receiver:
    """The intake with all its real doors, over a broker in memory.

    Files up to 20,000 bytes, a spool of 50,000; accounts ``bkhn`` (one station) and ``hanoi`` (a province).
    Uploads that are not files yet take ``ahead`` as having passed. For whoever failed to log in nothing else
    passes: on a busy machine a second is over before the next try.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.broker = folder, FakeBroker()
        self.registry: Registry = registry(accounts=[account(), account("hanoi", role="province")])
        self.intake = Intake(
            handler=IntakeHandler(self.registry, "raw-file"),
            spool=Spool(folder, 50_000),
            ledger=Ledger(folder / "ledger.sqlite"),
            producer=self.broker.producer(),
            clock=self.now,
        )
        limits, begun = AccountLimits(file_bytes=20_000), time.monotonic()
        gate = Gate(
            self.registry,
            Authenticator(self.registry, self.now),
            limits,
            clock=self.now,
            monotonic=lambda: begun + self.ahead.total_seconds(),
        )
        self.logins = Logins(gate)
        app = create_app(health=lambda: Health(self.intake.has_room))
        auth = BasicAuth(self.logins, "station")
        read = ParseHandler(self.registry, "parsed-reading").read
        app.include_router(files_router(self.intake, auth, gate, read=read, confirm_seconds=1.0))
        self.app = app
        self.http = HttpServer("127.0.0.1", 0, app)
        self.ahead = timedelta()
        self.uploads = Uploads(
            offer=self.intake.offer,
            account=lambda name: self.registry.account(name, self.now()),
            storage=ParkedUploads(folder / "parked", account_limit=50_000, limit=100_000),
            clock=lambda: self.now() + self.ahead,
        )
        self.ftp = FtpServer(
            ("127.0.0.1", 0),
            uploads=self.uploads,
            logins=self.logins,
            registry=self.registry,
            clock=self.now,
            folders=AccountFolders(folder / "home", 20),
            max_connections=5,
            failed_login_delay=0.0,
            certificates=Pair(folder).certificates(),
        )
        self.sftp = SftpServer(
            ("127.0.0.1", 0),
            uploads=self.uploads,
            logins=self.logins,
            registry=self.registry,
            clock=self.now,
            folders=AccountFolders(folder / "home", 20),
            keys=folder,
            max_connections=5,
            failed_login_delay=0.0,
        )
        self.watched, self.put_away = folder.parent / "watched", folder.parent / "put-away"
        self.watched.mkdir()
        self.processed = ProcessedFiles(folder / "processed.sqlite")
        self.watcher = WatchedFolder(
            FolderRules(self.watched, rest_seconds=0.1, rescan_seconds=1.0, after=f"move:{self.put_away}"),
            intake=self.intake,
            gate=gate,
            registry=self.registry,
            processed=self.processed,
            is_temporary=self.uploads.rules.is_temporary,
            clock=self.now,
        )

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    def run(self, stop: threading.Event) -> None:
        loops = {"ftp": self.ftp.run, "http": self.http.run, "uploads": self.uploads.run} | {
            "sftp": self.sftp.run,
            "folder": self.watcher.run,
        }
        loops |= {"sftp": self.sftp.run, "folder": self.watcher.run, "sender": self.intake.sender.run}
        run_threads(loops, stop)

    def spooled(self) -> int:
        return len(list((self.folder / "ready").iterdir()))


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with open doors."""
    opened, stop = Receiver(tmp_path / "spool"), threading.Event()
    thread = threading.Thread(target=opened.run, args=(stop,))
    thread.start()
    yield opened
    stop.set()
    thread.join(timeout=LIMIT)
    opened.logins.close()
    opened.uploads.close()
    opened.processed.close()
    opened.intake.close()
    assert not thread.is_alive()


@pytest.fixture
def ftp_door(receiver: Receiver) -> Iterator[Callable[..., FtpServer]]:
    """Open another FTP door of the receiver, with settings of its own."""
    stop, threads = threading.Event(), []

    def open_door(**settings: Any) -> FtpServer:
        door = FtpServer(
            ("127.0.0.1", 0),
            uploads=receiver.uploads,
            logins=receiver.logins,
            registry=receiver.registry,
            clock=receiver.now,
            folders=AccountFolders(receiver.folder / "home"),
            failed_login_delay=0.0,
            **settings,
        )
        threads.append(threading.Thread(target=door.run, args=(stop,)))
        threads[-1].start()
        return door

    yield open_door
    stop.set()
    for thread in threads:
        thread.join(timeout=LIMIT)
        assert not thread.is_alive()
