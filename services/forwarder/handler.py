"""Decides about a batch: what is delivered, what the receipt proves, what can never be delivered."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from quantrac.domain.readings import FlaggedSet
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import BadMessage, decode_flagged_set
from schemas.messages.deliveries import DeliveredFile, DeliveryReceipt, Receipt
from services.forwarder.backoff import Backoff
from services.forwarder.delivery import Delivery, Parcel, cut
from services.forwarder.ministry import DeliveryRefused, Ministry, MinistryAway


class ForwardHandler:
    """The ``forward`` role.

    Every set of a known station is delivered, one with rejects only and a revision as well, so that counts
    and flags match on both sides. A set without a station stays in the province, where somebody must first
    say whose it is.
    """

    def __init__(
        self, *, ministry: Ministry, target: str, receipt_topic: str, backoff: Backoff | None = None
    ) -> None:
        self._ministry, self._target, self._receipt_topic = ministry, target, receipt_topic
        self._backoff = backoff or Backoff()
        # What this batch has confirmed so far: "not now" hands in the same batch again.
        self._receipts: dict[str, Receipt] = {}

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Deliver a batch; see :class:`quantrac.io.records.Handler`."""
        parcels, dead = _parcels(batch)
        records: list[Record] = []
        try:
            for delivery in cut(parcels):
                for verdict in self._deliver(delivery):
                    if isinstance(verdict, DeadLetter):
                        dead.append(verdict)
                    else:
                        records.append(verdict)
        except MinistryAway as away:
            return NotNow(str(away), self._backoff.next(away.retry_after))
        except DeliveryRefused as refused:
            return NotNow(_explain(refused, self._target), self._backoff.next())
        self._receipts.clear()
        return Done(records, dead)

    def _deliver(self, delivery: Delivery) -> Iterator[Record | DeadLetter]:
        try:
            receipt = self._receipt(delivery)
        except DeliveryRefused as refused:
            if not refused.about_content:
                raise
            if len(delivery.parcels) == 1:
                yield DeadLetter(delivery.parcels[0].record, f"the ministry refused the set: {refused}")
                return
            for half in delivery.halves():
                yield from self._deliver(half)
            return
        rejected = {reject.line: reject.reason for reject in receipt.rejected}
        yield from self._confirmations(delivery, receipt, rejected)
        for line, reason in sorted(rejected.items()):
            yield DeadLetter(delivery.parcels[line - 1].record, f"the ministry rejected the set: {reason}")

    def _receipt(self, delivery: Delivery) -> Receipt:
        if delivery.id not in self._receipts:
            receipt = self._ministry.deliver(delivery)
            _check(receipt, delivery)
            self._receipts[delivery.id] = receipt
            self._backoff.reset()
        return self._receipts[delivery.id]

    def _confirmations(
        self, delivery: Delivery, receipt: Receipt, rejected: Mapping[int, str]
    ) -> Iterator[Record]:
        accepted: defaultdict[str, list[DeliveredFile]] = defaultdict(list)
        for line, parcel in enumerate(delivery.parcels, start=1):
            if line not in rejected:
                accepted[parcel.flagged.station].append(_file(parcel.flagged))
        for station, files in accepted.items():
            confirmation = DeliveryReceipt(
                station=station,
                delivery_id=delivery.id,
                target=self._target,
                confirmed_at=receipt.received_at,
                files=files,
            )
            yield Record(self._receipt_topic, station.encode(), confirmation.model_dump_json().encode())


def _parcels(batch: Sequence[Record]) -> tuple[list[Parcel], list[DeadLetter]]:
    parcels: list[Parcel] = []
    dead: list[DeadLetter] = []
    for record in batch:
        try:
            flagged = decode_flagged_set(record.value or b"")
        except BadMessage as error:
            dead.append(DeadLetter(record, f"not a flagged set: {error}"))
            continue
        if flagged.station:
            parcels.append(Parcel(record, flagged))
    return parcels, dead


def _file(flagged: FlaggedSet) -> DeliveredFile:
    return DeliveredFile(
        file_id=flagged.file_id,
        readings=len(flagged.readings),
        received_at=flagged.received_at,
        revision=flagged.revision,
    )


def _check(receipt: Receipt, delivery: Delivery) -> None:
    """Hold the receipt against what was sent: one that does not cover every set proves nothing."""
    sets = len(delivery.parcels)
    lines = {reject.line for reject in receipt.rejected}
    if receipt.delivery_id != delivery.id:
        raise MinistryAway(f"the receipt is for {receipt.delivery_id}, the delivery was {delivery.id}")
    if receipt.accepted + len(lines) != sets or any(line > sets for line in lines):
        raise MinistryAway(
            f"the receipt speaks of {receipt.accepted} sets and {len(lines)} rejects, {sets} sets were sent"
        )


def _explain(refused: DeliveryRefused, target: str) -> str:
    if refused.about_account:
        return (
            f"{target} refused the account ({refused}); nothing is lost, and deliveries go on once"
            " QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
        )
    return f"{target} refused the delivery ({refused}); is QUANTRAC_MINISTRY_URL right?"
