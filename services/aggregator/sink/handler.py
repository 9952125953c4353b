"""Decides what one batch of messages becomes in ClickHouse, and what is published then."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.decoding import BadMessage
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables

_RETRY_SECONDS = 2.0


class SinkHandler:
    """Writes the rows of each topic's messages, then publishes what follows from them."""

    def __init__(self, database: Database, topics: Mapping[str, TopicTables[Any]]) -> None:
        """``topics``: topic -> how it is stored, as ``sink.tables.tables_by_topic`` gives it."""
        self._database, self._topics = database, topics

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Insert the batch table by table; a ClickHouse that is away or refuses costs lag only.

        Raises ``ClickHouseBadData`` where a table cannot hold a value.
        """
        # Topics that are stored alike share their blocks: a table gets one block a batch.
        groups: dict[TopicTables[Any], list[Any]] = {tables: [] for tables in self._topics.values()}
        dead: list[DeadLetter] = []
        for record in batch:
            tables = self._topics[record.topic]
            try:
                groups[tables].append(tables.decode(record))
            except (BadMessage, ValidationError, UnicodeDecodeError) as error:
                dead.append(DeadLetter(record, str(error)))
        try:
            blocks: dict[str, Columns] = {}
            for tables, messages in groups.items():
                blocks |= tables.columns(messages, self._database)
            self._insert(batch, blocks)
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        return Done(
            [record for tables, messages in groups.items() for record in tables.messages(messages)], dead
        )

    def _insert(self, batch: Sequence[Record], blocks: Mapping[str, Columns]) -> None:
        # The token names the very messages, so that an immediate repeat is ignored by the server.
        token = hashlib.sha256(
            b"".join(f"{r.topic}/{r.partition}/{r.offset};".encode() for r in batch)
        ).hexdigest()
        for table, columns in blocks.items():
            if columns:
                self._database.insert(table, columns, token=token)
