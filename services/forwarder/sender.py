"""Sends the sets of several partitions at once; within a partition one delivery after the other.

Dying at any point repeats deliveries, which changes nothing at the ministry.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from quantrac.io.records import DeadLetter, Record
from schemas.messages.deliveries import Receipt
from services.forwarder.breaker import CircuitBreaker
from services.forwarder.confirmation import Sending, build_delivery_receipt
from services.forwarder.delivery import Delivery, DeliveryItem, cut_deliveries
from services.forwarder.ministry import DeliveryRefused, Ministry, MinistryAway
from services.forwarder.receipt_check import check_receipt

AT_ONCE = 6
"""Deliveries of a lane under way at the same time: several connections use a long way better than one."""

FAILURES_BEFORE_HALVING = 3
FAILURES_BEFORE_DEATH = 10
"""Of one delivery, with others taken in between: then a set of it is to blame, whatever the ministry says.

A connection that breaks at every twentieth request does that to the same set ten times once in 10^13.
"""


@dataclass(slots=True)
class Sent:
    """What became of the sets of one partition, in order, as far as they were sent."""

    confirmations: list[Record] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    outcomes: list[bool] = field(default_factory=list)
    """Of each set, true = dead."""
    reached: int = -1
    """Offset of the last set that is confirmed or dead."""
    failure: MinistryAway | TimeoutError | None = None
    """Why the rest was not sent; ``None`` where nothing is left, or the time was up."""
    is_whole: bool = False
    """Whether nothing is left."""

    def add(self, rest: "Sent") -> None:
        """Take in what came after this."""
        self.confirmations += rest.confirmations
        self.dead += rest.dead
        self.outcomes += rest.outcomes
        self.reached = max(self.reached, rest.reached)
        self.failure, self.is_whole = rest.failure, rest.is_whole

    def bury(self, item: DeliveryItem, reason: str) -> None:
        """Note a set that will never be delivered."""
        self.dead.append(DeadLetter(item.record, reason))


class _Undeliverable(Exception):
    """A set of the delivery is to blame that the ministry does not take it."""


@dataclass(slots=True)
class _Attempts:
    """Of one delivery that has no receipt yet."""

    sent_at: datetime
    tries: int = 0
    failures: int = 0
    """Those between which the ministry answered other deliveries."""
    answers: int = -1
    """What the ministry had answered at the last of them."""


class Sender:
    """Delivers for one lane; the ministry and the circuit breaker are shared by the lanes."""

    def __init__(
        self,
        *,
        ministry: Ministry,
        breaker: CircuitBreaker,
        target: str,
        account: str,
        receipt_topic: str,
        clock: Callable[[], datetime],
        on_receipt: Callable[[Receipt], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``target`` is the ministry's name, ``account`` the province's account there."""
        self._ministry, self.breaker, self._target, self._account = ministry, breaker, target, account
        self._receipt_topic, self._clock, self._on_receipt = receipt_topic, clock, on_receipt
        self._monotonic = monotonic
        self._attempts: dict[str, _Attempts] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery")

    def send(
        self, items: Mapping[int, Iterable[DeliveryItem]], seconds: float = float("inf")
    ) -> dict[int, Sent]:
        """Deliver sets by partition, each in order of offset; no new delivery begins after ``seconds``."""
        end = self._monotonic() + seconds
        sent = self._threads.map(lambda of_partition: self._send(of_partition, end), items.values())
        return dict(zip(items, sent, strict=True))

    def forget(self) -> None:
        """Forget deliveries without a receipt: their sets will be cut anew."""
        self._attempts.clear()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _send(self, items: Iterable[DeliveryItem], end: float) -> Sent:
        sent = Sent()
        try:
            for delivery in cut_deliveries(items):
                if self._monotonic() > end:
                    return sent
                self._deliver(delivery, sent)
        except (MinistryAway, TimeoutError) as error:
            sent.failure = error
            return sent
        sent.is_whole = True
        return sent

    def _deliver(self, delivery: Delivery, sent: Sent) -> None:
        try:
            receipt = self._exchange(delivery)
        except _Undeliverable as error:
            if len(delivery.items) > 1:
                for half in delivery.halves():
                    self._deliver(half, sent)
                return
            sent.bury(delivery.items[0], str(error))
            sent.outcomes.append(True)
        else:
            self._confirm(delivery, receipt, sent)
        sent.reached = delivery.items[-1].record.offset

    def _confirm(self, delivery: Delivery, receipt: Receipt, sent: Sent) -> None:
        attempts = self._attempts.pop(delivery.id)
        sending = Sending(attempts.sent_at, attempts.tries)
        message = build_delivery_receipt(delivery, receipt, sending, target=self._target)
        value = message.model_dump_json().encode()
        sent.confirmations.append(Record(self._receipt_topic, delivery.id.encode(), value))
        reasons = {reject.line: reject.reason for reject in receipt.rejected}
        for line, item in enumerate(delivery.items, start=1):
            if line in reasons:
                sent.bury(item, f"the ministry rejected the set: {reasons[line]}")
            sent.outcomes.append(line in reasons)
        self._on_receipt(receipt)

    def _exchange(self, delivery: Delivery) -> Receipt:
        """Return the receipt; raises :class:`MinistryAway` or :class:`_Undeliverable`."""
        self.breaker.admit()
        attempts = self._attempts.setdefault(delivery.id, _Attempts(self._clock()))
        attempts.tries += 1
        try:
            receipt = self._ministry.deliver(delivery)
            check_receipt(receipt, delivery, account=self._account, ministry=self._target)
        except DeliveryRefused as error:
            if error.is_about_content:
                self.breaker.close()
                raise _Undeliverable(f"the ministry refused the set: {error}") from error
            reason = _explain(error, self._target)
            self.breaker.fail(reason)
            raise MinistryAway(reason) from error
        except MinistryAway as error:
            self.breaker.fail(str(error), error.retry_after)
            if error.may_blame_set and self._is_to_blame(delivery, attempts):
                raise _Undeliverable(f"the ministry took others and not this set: {error}") from error
            raise
        except BaseException as error:  # a mistake of ours: the probe is over all the same
            self.breaker.fail(repr(error))
            raise
        self.breaker.close()
        return receipt

    def _is_to_blame(self, delivery: Delivery, attempts: _Attempts) -> bool:
        """Tell whether a delivery has failed often enough while others came through."""
        if attempts.answers != self.breaker.answers:
            attempts.failures += 1
            attempts.answers = self.breaker.answers
        limit = FAILURES_BEFORE_HALVING if len(delivery.items) > 1 else FAILURES_BEFORE_DEATH
        return attempts.failures >= limit


def _explain(refusal: DeliveryRefused, target: str) -> str:
    if refusal.is_about_account:
        return (
            f"{target} refused the account ({refusal}); nothing is lost, and deliveries go on once"
            " QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
        )
    return f"{target} refused the delivery ({refusal}); is QUANTRAC_MINISTRY_URL right?"
