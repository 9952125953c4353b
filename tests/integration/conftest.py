"""A real broker for the whole session, topics of its own for every test, and a receiver with open doors."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.crew import run_together
from quantrac.io.http_server import HttpServer
from quantrac.io.kafka import KafkaAdmin, TopicSettings
from quantrac.io.migrations import migrate, ordered
from quantrac.io.settings import ClickHouseSettings
from quantrac.local.broker import running_broker
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import account, registry
from schemas.clickhouse import migration_files
from services.receiver.adapters.basic_auth import BasicAuth
from services.receiver.adapters.files import files_router
from services.receiver.adapters.ftp import FtpServer
from services.receiver.adapters.http import create_app
from services.receiver.authentication import Authenticator
from services.receiver.handler import IntakeHandler
from services.receiver.intake import Intake
from services.receiver.ledger import Ledger
from services.receiver.spool import Spool


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real Apache Kafka."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}."


@pytest.fixture
def topics(kafka: str, prefix: str) -> Callable[..., str]:
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
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        yield ClickHouseSettings(port=port, user="quantrac", password=password)
        process.terminate()


@pytest.fixture(scope="module")
def clickhouse(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    """A database of the module's own, with every table."""
    settings = clickhouse_server.model_copy(update={"database": f"t{uuid.uuid4().hex[:8]}"})
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {settings.database}")
    migrate(ClickHouse(settings), ordered(migration_files()))
    return settings


class Receiver:
    """The intake with its real FTP and HTTP servers, over a broker in memory.

    Files up to 20,000 bytes, a spool of 50,000; accounts ``bkhn`` (one station) and ``hanoi`` (a province).
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
        authenticator = Authenticator(self.registry, self.now)
        app = create_app(ready=lambda: self.intake.ready)
        auth = BasicAuth(authenticator, "station")
        app.include_router(files_router(self.intake, auth, max_file_bytes=20_000, confirm_seconds=1.0))
        self.http = HttpServer("127.0.0.1", 0, app)
        self.ftp = FtpServer(
            ("127.0.0.1", 0),
            intake=self.intake,
            authenticator=authenticator,
            registry=self.registry,
            clock=self.now,
            home=folder / "home",
            max_file_bytes=20_000,
            max_connections=5,
            failed_login_delay=0.0,
        )

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    def run(self, stop: threading.Event) -> None:
        loops = {"ftp": self.ftp.run, "http": self.http.run, "sender": self.intake.sender.run}
        run_together(loops, stop)

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
    thread.join(timeout=10)
    opened.intake.close()
    assert not thread.is_alive()
