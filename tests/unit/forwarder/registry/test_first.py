"""Deliveries behind the entries of their stations."""

from quantrac.io.records import Record
from quantrac.testing.builders import flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import Receipt
from services.forwarder.delivery import Delivery, DeliveryItem
from services.forwarder.registry.first import RegistryFirst
from support.receipts import receipt_of


class Steps:
    """The loop and the ministry, who note what is asked of them."""

    def __init__(self) -> None:
        self.taken: list[object] = []

    def wait_for(self, stations: set[str]) -> None:
        self.taken.append(stations)

    def deliver(self, delivery: Delivery) -> Receipt:
        self.taken.append("delivery")
        return receipt_of(delivery).model_copy(update={"registry_version": "v2"})

    def note_version(self, version: str) -> None:
        self.taken.append(version)


def test_the_entries_go_first_and_the_receipts_news_of_the_registry_is_handed_on() -> None:
    sets = [flagged_set(station=code) for code in ("A", "B", "A")]
    items = [DeliveryItem(Record("qa-flagged", b"", encode_flagged_set(s)), s) for s in sets]
    steps = Steps()
    receipt = RegistryFirst(steps, steps).deliver(Delivery(items))  # type: ignore[arg-type]
    assert steps.taken == [{"A", "B"}, "delivery", "v2"]
    assert receipt.registry_version == "v2"
