"""What the sink stores: one module a topic, all of one shape (``topic_tables.TopicTables``).

A new topic is one module here, with ``decode`` and ``columns``, and one row in :func:`tables_by_topic`.
"""

from collections.abc import Callable
from typing import Any

from services.aggregator.sink.tables import alert, raw_file, receipt, registry_request
from services.aggregator.sink.tables.qa_flagged import qa_flagged_tables
from services.aggregator.sink.tables.topic_tables import TopicTables


def tables_by_topic(topic: Callable[[str], str], *, rejudges: bool) -> dict[str, TopicTables[Any]]:
    """Return topic -> how it is stored, in the order in which the tables are written.

    ``topic`` returns the deployment's name of a topic; ``rejudges`` = spans with provisional flags are to be
    judged again.
    """
    rejudge = topic("rejudge") if rejudges else None
    return {
        topic("raw-file"): raw_file.TABLES,
        topic("raw-file-backlog"): raw_file.TABLES,
        topic("qa-flagged"): qa_flagged_tables(dirty=topic("window-dirty"), rejudge=rejudge),
        topic("delivery-receipt"): receipt.TABLES,
        topic("registry-request"): registry_request.TABLES,
        topic("alert"): alert.TABLES,
    }
