"""Topic ``delivery-receipt``: rows of ``deliveries``, ``receipts`` (a set) and ``rejected_sets``."""

from collections.abc import Iterable, Mapping, Sequence

from quantrac.domain.delivery_contents import write_contents
from quantrac.io.records import Record
from schemas.messages.deliveries import DeliveryReceipt, list_sets, read_delivery_receipt
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables, join_columns


def _decode(record: Record) -> DeliveryReceipt:
    return read_delivery_receipt(record.value or b"")


def _columns(deliveries: Sequence[DeliveryReceipt], _database: Database) -> Mapping[str, Columns]:
    return {
        "receipts": receipt_columns(deliveries),
        "rejected_sets": reject_columns(deliveries),
        "deliveries": delivery_columns(deliveries),
    }


def delivery_columns(deliveries: Iterable[DeliveryReceipt]) -> Columns:
    """Return the columns of ``deliveries``; messages of before, of one station each, give no row."""
    complete = [delivery for delivery in deliveries if delivery.account]
    if not complete:
        return {}
    names = ("delivery_id", "target", "account", "sent_at", "confirmed_at", "bytes", "tries", "receipt")
    return {
        **{name: [getattr(delivery, name) for delivery in complete] for name in names},
        "sets": [len(delivery.files) for delivery in complete],
        "waiting": [sum(file.waiting for file in delivery.files) for delivery in complete],
        "rejected": [len(delivery.rejected) for delivery in complete],
        "contents": [write_contents(list_sets(delivery)) for delivery in complete],
        "readings": [sum(file.readings for file in delivery.files) for delivery in complete],
    }


def receipt_columns(deliveries: Iterable[DeliveryReceipt]) -> Columns:
    """Return the columns of ``receipts``."""
    return join_columns(_receipt_columns_of(delivery) for delivery in deliveries if delivery.files)


def reject_columns(deliveries: Iterable[DeliveryReceipt]) -> Columns:
    """Return the columns of ``rejected_sets``."""
    return join_columns(_reject_columns_of(delivery) for delivery in deliveries if delivery.rejected)


def _receipt_columns_of(delivery: DeliveryReceipt) -> Columns:
    count, files = len(delivery.files), delivery.files
    return {
        **{name: [getattr(delivery, name)] * count for name in ("target", "account", "delivery_id")},
        "confirmed_at": [delivery.confirmed_at] * count,
        **{
            name: [getattr(file, name) for file in files]
            for name in ("station", "file_id", "received_at", "revision", "readings", "waiting")
        },
    }


def _reject_columns_of(delivery: DeliveryReceipt) -> Columns:
    count, rejected = len(delivery.rejected), delivery.rejected
    return {
        **{name: [getattr(delivery, name)] * count for name in ("target", "account", "delivery_id")},
        "rejected_at": [delivery.confirmed_at] * count,
        **{
            name: [getattr(file, name) for file in rejected]
            for name in ("line", "station", "file_id", "received_at", "revision", "reason")
        },
    }


TABLES = TopicTables(_decode, _columns)
