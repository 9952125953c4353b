"""Decides about a batch of flagged sets: which are delivered, wait, or become dead letters."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from quantrac.domain.readings import FlaggedSet
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from schemas.messages.deliveries import DeliveredFile, DeliveryReceipt, Receipt
from services.forwarder.backoff import Backoff
from services.forwarder.delivery import Delivery, DeliveryItem, cut_deliveries
from services.forwarder.ministry import DeliveryRefused, Ministry, MinistryAway


class ForwardHandler:
    """The ``forward`` role.

    Every set of a known station is delivered, one with rejects only and a revision as well, so that counts
    and flags match on both sides. A set without a station stays in the province until it is assigned.
    """

    def __init__(
        self, *, ministry: Ministry, target: str, receipt_topic: str, backoff: Backoff | None = None
    ) -> None:
        self._ministry, self._target, self._receipt_topic = ministry, target, receipt_topic
        self._backoff = backoff or Backoff()
        # Receipts of this batch so far, by delivery: after "not now" the same batch comes again.
        self._receipts: dict[str, Receipt] = {}

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
        reasons = {reject.line: reject.reason for reject in receipt.rejected}
        yield from self._confirmations(delivery, receipt, reasons)
        for line, reason in sorted(reasons.items()):
            yield DeadLetter(delivery.items[line - 1].record, f"the ministry rejected the set: {reason}")

    def _receipt(self, delivery: Delivery) -> Receipt:
        if delivery.id not in self._receipts:
            receipt = self._ministry.deliver(delivery)
            _check(receipt, delivery)
            self._receipts[delivery.id] = receipt
            self._backoff.reset()
        return self._receipts[delivery.id]

    def _confirmations(
        self, delivery: Delivery, receipt: Receipt, reasons: Mapping[int, str]
    ) -> Iterator[Record]:
        files_of_station: defaultdict[str, list[DeliveredFile]] = defaultdict(list)
        for line, item in enumerate(delivery.items, start=1):
            if line not in reasons:
                files_of_station[item.flagged.station].append(_file(item.flagged))
        for station, files in files_of_station.items():
            confirmation = DeliveryReceipt(
                station=station,
                delivery_id=delivery.id,
                target=self._target,
                confirmed_at=receipt.received_at,
                files=files,
            )
            yield Record(self._receipt_topic, station.encode(), confirmation.model_dump_json().encode())


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


def _file(flagged: FlaggedSet) -> DeliveredFile:
    return DeliveredFile(
        file_id=flagged.file_id,
        readings=len(flagged.readings),
        received_at=flagged.received_at,
        revision=flagged.revision,
    )


def _check(receipt: Receipt, delivery: Delivery) -> None:
    """Raise :class:`MinistryAway` for a receipt that does not cover every set of the delivery."""
    sets = len(delivery.items)
    lines = {reject.line for reject in receipt.rejected}
    if receipt.delivery_id != delivery.id:
        raise MinistryAway(f"the receipt is for {receipt.delivery_id}, the delivery was {delivery.id}")
    if receipt.accepted + len(lines) != sets or any(line > sets for line in lines):
        raise MinistryAway(
            f"the receipt speaks of {receipt.accepted} sets and {len(lines)} rejects, {sets} sets were sent"
        )


def _explain(refusal: DeliveryRefused, target: str) -> str:
    if refusal.is_about_account:
        return (
            f"{target} refused the account ({refusal}); nothing is lost, and deliveries go on once"
            " QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
        )
    return f"{target} refused the delivery ({refusal}); is QUANTRAC_MINISTRY_URL right?"
