"""In which order the intake opens and ends, and when it is ready."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.io.progress import Progress
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, registry
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.intake.handler import IntakeHandler
from services.receiver.intake.intake import Intake
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.parked_uploads import ParkedUploads
from services.receiver.intake.role import IntakeHealth, IntakeRole
from services.receiver.intake.spool import Spool
from services.receiver.intake.uploads import Uploads


@dataclass
class Table:
    """The registry's table, whose problem a test sets."""

    events: list[str]
    sentence: str = ""

    def start(self) -> None:
        self.events.append("table read")

    def problem(self) -> str:
        return self.sentence

    def close(self) -> None:
        self.events.append("table closed")


@dataclass
class Server:
    """A door that ends the role as soon as it serves."""

    events: list[str]
    stop: threading.Event
    address: tuple[str, int] = ("127.0.0.1", 21)

    def run(self, stop: threading.Event) -> None:
        self.events.append("door open")
        self.stop.set()


@dataclass
class Parts:
    """The intake over a broker in memory, and what happened in order."""

    folder: Path
    limit_bytes: int = 10_000
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.sqlite")
        self.intake = Intake(
            handler=IntakeHandler(registry(), "raw-file"),
            spool=Spool(self.folder, self.limit_bytes),
            ledger=self.ledger,
            producer=FakeBroker().producer(),
            clock=lambda: NOON,
        )
        self.table = Table(self.events)
        self.loop = Progress(60.0, name="ftp")
        self.health = IntakeHealth(self.table, self.intake, [self.loop])

    def role(self, stop: threading.Event) -> IntakeRole:
        gate = Gate(registry(), Authenticator(registry(), lambda: NOON), AccountLimits(), clock=lambda: NOON)
        return IntakeRole(
            registry_table=self.table,
            intake=self.intake,
            uploads=Uploads(
                offer=self.intake.offer,
                account=lambda _: None,
                storage=ParkedUploads(self.folder / "parked", account_limit=1000, limit=1000),
                clock=lambda: NOON,
            ),
            logins=Logins(gate),
            servers={"ftp": Server(self.events, stop)},
            watched_folder=None,
            health=self.health,
            prune_hourly=[self.ledger.prune],
            closing=[lambda: self.events.append("ledger closed"), self.ledger.close],
            clock=lambda: NOON,
        )


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def test_no_door_opens_before_the_registry_is_read_and_the_ledger_is_closed_last(parts: Parts) -> None:
    stop = threading.Event()
    parts.role(stop).run(stop)
    assert parts.events == ["table read", "door open", "table closed", "ledger closed"]


def test_an_intake_that_knows_its_registry_and_has_room_is_ready(parts: Parts) -> None:
    assert parts.health.read().ready


def test_an_intake_without_a_registry_says_so(parts: Parts) -> None:
    parts.table.sentence = "station-registry is not read"
    health = parts.health.read()
    assert (health.ready, health.reason) == (False, "station-registry is not read")


def test_an_intake_with_a_full_spool_says_so(tmp_path: Path) -> None:
    health = Parts(tmp_path, limit_bytes=0).health.read()
    assert (health.ready, health.reason) == (False, "the spool is full")
