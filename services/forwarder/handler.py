"""Decides about a batch of flagged sets: which are delivered, wait, or become dead letters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.deliveries import Receipt
from services.forwarder.backoff import Backoff
from services.forwarder.confirmation import Sending, build_delivery_receipt
from services.forwarder.delivery import Delivery, DeliveryItem, cut_deliveries
from services.forwarder.ministry import DeliveryRefused, Ministry, MinistryAway
from services.forwarder.receipt_check import check_receipt


class ForwardHandler:
    """The ``forward`` role.

    Every set of a known station is delivered, one with rejects only and a revision as well, so that counts
    and flags match on both sides. A set without a station stays in the province until it is assigned.
    """

    def __init__(
        self,
        *,
        ministry: Ministry,
        target: str,
        account: str,
        receipt_topic: str,
        clock: Callable[[], datetime],
        backoff: Backoff | None = None,
    ) -> None:
        """``target`` is the ministry's name, ``account`` the province's account there."""
        self._ministry, self._target, self._account = ministry, target, account
        self._receipt_topic, self._clock = receipt_topic, clock
        self._backoff = backoff or Backoff()
        # Of this batch so far, by delivery: after "not now" the same batch comes again.
        self._receipts: dict[str, Receipt] = {}
        self._sendings: dict[str, Sending] = {}

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Deliver a batch; see :class:`quantrac.io.records.Handler`."""
        items, dead = _decode(batch)
        records: list[Record] = []
        try:
            for delivery in cut_deliveries(items):
                for verdict in self._deliver(delivery):
                    if isinstance(verdict, DeadLetter):
                        dead.append(verdict)
                    else:
                        records.append(verdict)
        except MinistryAway as error:
            return NotNow(str(error), self._backoff.next(error.retry_after))
        except DeliveryRefused as error:
            return NotNow(_explain(error, self._target), self._backoff.next())
        self._receipts.clear()
        self._sendings.clear()
        return Done(records, dead)

    def _deliver(self, delivery: Delivery) -> Iterator[Record | DeadLetter]:
        try:
            receipt = self._receipt(delivery)
        except DeliveryRefused as error:
            if not error.is_about_content:
                raise
            if len(delivery.items) == 1:
                yield DeadLetter(delivery.items[0].record, f"the ministry refused the set: {error}")
                return
            for half in delivery.halves():
                yield from self._deliver(half)
            return
        yield self._confirm(delivery, receipt)
        for reject in receipt.rejected:
            item = delivery.items[reject.line - 1]
            yield DeadLetter(item.record, f"the ministry rejected the set: {reject.reason}")

    def _receipt(self, delivery: Delivery) -> Receipt:
        if delivery.id not in self._receipts:
            before = self._sendings.get(delivery.id)
            self._sendings[delivery.id] = (
                replace(before, tries=before.tries + 1) if before else Sending(self._clock())
            )
            receipt = self._ministry.deliver(delivery)
            check_receipt(receipt, delivery, account=self._account, ministry=self._target)
            self._receipts[delivery.id] = receipt
            self._backoff.reset()
        return self._receipts[delivery.id]

    def _confirm(self, delivery: Delivery, receipt: Receipt) -> Record:
        sending = self._sendings[delivery.id]
        message = build_delivery_receipt(delivery, receipt, sending, target=self._target)
        return Record(self._receipt_topic, delivery.id.encode(), message.model_dump_json().encode())


def _decode(batch: Sequence[Record]) -> tuple[list[DeliveryItem], list[DeadLetter]]:
    items: list[DeliveryItem] = []
    dead: list[DeadLetter] = []
    for record in batch:
        try:
            flagged = decode_flagged_set(record.value or b"")
        except BadMessage as error:
            dead.append(DeadLetter(record, f"not a flagged set: {error}"))
            continue
        if flagged.station:
            items.append(DeliveryItem(record, flagged))
    return items, dead


def _explain(refusal: DeliveryRefused, target: str) -> str:
    if refusal.is_about_account:
        return (
            f"{target} refused the account ({refusal}); nothing is lost, and deliveries go on once"
            " QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
        )
    return f"{target} refused the delivery ({refusal}); is QUANTRAC_MINISTRY_URL right?"
