"""Delivers sets that a comparison has found missing at the ministry, whatever their age."""

from collections import defaultdict
from collections.abc import Sequence

from quantrac.io.records import DeadLetter, Done, NotNow, Record
from services.forwarder.breaker import CircuitOpen
from services.forwarder.delivery import DeliveryItem, read_item
from services.forwarder.sender import Sender

_AFTER_FAILURE_SECONDS = 1.0


class RedeliveryHandler:
    """Delivers the sets of ``redelivery``; a batch is done once all of them are confirmed or dead.

    After "not now" all of the batch is sent again, which changes nothing at the ministry.
    """

    def __init__(self, *, sender: Sender) -> None:
        self._sender = sender

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Deliver a batch; see :class:`quantrac.io.records.Handler`."""
        items: defaultdict[int, list[DeliveryItem]] = defaultdict(list)
        dead: list[DeadLetter] = []
        for record in batch:
            item = read_item(record)
            if isinstance(item, DeadLetter):
                dead.append(item)
            elif item is not None:
                items[record.partition].append(item)
        sent = self._sender.send(items).values()
        failure = next((s.failure for s in sent if s.failure is not None), None)
        if failure is not None:
            pause = getattr(failure, "retry_after", 0.0) or _AFTER_FAILURE_SECONDS
            return NotNow(str(failure), pause, is_usual=isinstance(failure, CircuitOpen))
        self._sender.forget()
        return Done(
            [record for of_partition in sent for record in of_partition.confirmations],
            dead + [letter for of_partition in sent for letter in of_partition.dead],
        )
