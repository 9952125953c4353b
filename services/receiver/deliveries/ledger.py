"""Receipts of deliveries, in one SQLite file in the spool's folder.

Losing the file costs nothing but a second copy of some sets on the topic, and rows are idempotent by key.
"""

import logging
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

from schemas.messages.deliveries import Receipt

log = logging.getLogger(__name__)

RETENTION = timedelta(days=2)
"""A province repeats a delivery within minutes; two days leave room for a restore of its offsets."""

_SCHEMA = """
DROP TABLE IF EXISTS deliveries; -- receipts that were not signed yet
CREATE TABLE IF NOT EXISTS receipts (
    account TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    received_at REAL NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (account, delivery_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_by_age ON receipts (received_at);
"""


class DeliveryLedger:
    """Remembers receipts for :data:`RETENTION`; used by several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._lock = threading.Lock()

    def find(self, account: str, delivery_id: str) -> Receipt | None:
        """Return the receipt of an earlier answer, or ``None``."""
        with self._lock:
            row = self._db.execute(
                "SELECT receipt FROM receipts WHERE account = ? AND delivery_id = ?", (account, delivery_id)
            ).fetchone()
        return Receipt.model_validate_json(row[0]) if row else None

    def add(self, receipt: Receipt) -> None:
        """Store a receipt and delete old ones; a full disk is logged, and the receipt is then not stored."""
        received_at = receipt.received_at.timestamp()
        oldest = received_at - RETENTION.total_seconds()
        row = (receipt.account, receipt.delivery_id, received_at, receipt.model_dump_json())
        try:
            with self._lock:
                self._db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?)", row)
                self._db.execute("DELETE FROM receipts WHERE received_at < ?", (oldest,))
        except sqlite3.Error as error:
            log.warning("delivery %s is not remembered: %s", receipt.delivery_id, error)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
