"""A ministry to which stations' entries go ahead of their sets."""

from schemas.messages.deliveries import Receipt
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import Ministry
from services.forwarder.registry.sync import RegistrySync


class RegistryFirst:
    """Delivers once the ministry has answered the stations' entries; hands its news of the registry on."""

    def __init__(self, ministry: Ministry, sync: RegistrySync) -> None:
        self._ministry, self._sync = ministry, sync

    def deliver(self, delivery: Delivery) -> Receipt:
        """See :class:`services.forwarder.ministry.Ministry`."""
        self._sync.wait_for({item.flagged.station for item in delivery.items})
        receipt = self._ministry.deliver(delivery)
        self._sync.note_version(receipt.registry_version)
        return receipt
