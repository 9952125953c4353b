"""Topic ``delivery-receipt``: a receipt becomes rows of ``receipts``, one a delivered file."""

from collections.abc import Iterable, Mapping, Sequence

from quantrac.io.records import Record
from schemas.messages.deliveries import DeliveryReceipt
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables, join_columns


def _decode(record: Record) -> DeliveryReceipt:
    return DeliveryReceipt.model_validate_json(record.value or b"")


def _columns(receipts: Sequence[DeliveryReceipt], _database: Database) -> Mapping[str, Columns]:
    return {"receipts": receipt_columns(receipts)}


def receipt_columns(receipts: Iterable[DeliveryReceipt]) -> Columns:
    """Return the columns of ``receipts``."""
    return join_columns(_columns_of(receipt) for receipt in receipts)


def _columns_of(receipt: DeliveryReceipt) -> Columns:
    count = len(receipt.files)
    return {
        "station": [receipt.station] * count,
        "file_id": [f.file_id for f in receipt.files],
        "target": [receipt.target] * count,
        "delivery_id": [receipt.delivery_id] * count,
        "received_at": [f.received_at for f in receipt.files],
        "confirmed_at": [receipt.confirmed_at] * count,
        "readings": [f.readings for f in receipt.files],
        "revision": [f.revision for f in receipt.files],
    }


TABLES = TopicTables(_decode, _columns)
