"""``redelivery``: a flagged set that the ministry lacks, to be delivered once more."""

from schemas.messages.base import Utc
from schemas.messages.readings import FlaggedSet


class Redelivery(FlaggedSet):
    """A flagged set as it was stored, under the identity that it had."""

    sent_again_at: Utc
    """When it was sent once more; makes it another delivery than any before."""
