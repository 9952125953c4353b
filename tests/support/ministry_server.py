"""The ministry's door for deliveries: real HTTP on a port of its own, a double for the broker."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvicorn

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.domain.registry.registry import Registry
from quantrac.io.health import Health
from quantrac.io.records import Record
from quantrac.io.signing_keys import SigningKeys, rotate_keys
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON
from schemas.messages.deliveries import RECEIPT_TYPE
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.deliveries import deliveries_router
from services.receiver.adapters.http.receipt_keys import keys_router
from services.receiver.deliveries.confirmed_writes import ConfirmedWrites
from services.receiver.deliveries.handler import DeliveryHandler
from services.receiver.deliveries.ledger import DeliveryLedger
from services.receiver.deliveries.receipts import ReceiptWriter
from support.waiting import LIMIT

MAX_BYTES = 100_000
"""Of a body at this door."""


@dataclass
class MinistryServer:
    """The ministry's door on a port of its own; the port stays the same over restarts."""

    folder: Path
    registry: Registry
    broker: FakeBroker = field(default_factory=lambda: FakeBroker(partitions=1))
    port: int = 0
    name: str = "mae"
    """The ministry's name in receipts."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    @property
    def keys(self) -> Path:
        """Folder of its private keys."""
        return self.folder / "receipt-keys"

    @property
    def flagged(self) -> list[Record]:
        return self.broker.records("mae.qa-flagged")

    @property
    def kept(self) -> list[Record]:
        return self.broker.records("mae.delivery-receipt")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.ledger = DeliveryLedger(self.folder / "deliveries.sqlite")
        if not self.keys.exists():
            rotate_keys(self.keys)
        keys = SigningKeys(self.keys)
        writes = ConfirmedWrites(self.broker.producer(), seconds=1)
        deliveries = DeliveryHandler(
            writes=writes,
            ledger=self.ledger,
            receipts=ReceiptWriter(self.name, partial(keys.sign, media_type=RECEIPT_TYPE)),
            clock=self.clock,
            topic="mae.qa-flagged",
            receipt_topic="mae.delivery-receipt",
            registry=self.registry,
        )
        app = create_app(health=lambda: Health(True))
        authenticator = Authenticator(self.registry, lambda: NOON)
        gate = Gate(self.registry, authenticator, AccountLimits(), clock=lambda: NOON)
        self.logins = Logins(gate)
        auth = BasicAuth(self.logins, "province")
        app.include_router(deliveries_router(deliveries, auth, max_bytes=MAX_BYTES))
        app.include_router(keys_router(keys))
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=2)
        self.server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.server.run, args=([listening],))
        self.thread.start()
        self.stop_writes = threading.Event()
        self.writes_thread = threading.Thread(target=writes.run, args=(self.stop_writes,))
        self.writes_thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=LIMIT)
        self.stop_writes.set()
        self.writes_thread.join(timeout=LIMIT)
        self.logins.close()
        self.ledger.close()
