"""Whether the sums of yesterday's data shares close, looked at every night."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from quantrac.domain.data_share import DataShare, find_faults
from quantrac.domain.times import DAY_DELTA, VIETNAM, local_day_start
from services.forwarder.reconcile.alert import NightlyAlert

log = logging.getLogger(__name__)

_MOST_LINES = 20


class ShareCheck:
    """Tells the log and the duty officer of sums that do not close, and of what was lost here."""

    def __init__(
        self, read: Callable[[datetime, datetime], Sequence[DataShare]], alert: NightlyAlert
    ) -> None:
        """``read`` returns the shares of all stations over a span, and that of files of none."""
        self._read, self._alert = read, alert

    def check(self, now: datetime) -> None:
        """Look at the Vietnamese day before the one of ``now``; raises what the stores raise."""
        end = local_day_start(now)
        start = end - DAY_DELTA
        faults = [
            f"{share.station or 'files of no station'}: {sentence}"
            for share in self._read(start, end)
            for sentence in find_faults(share)
        ]
        for fault in faults[:_MOST_LINES]:
            log.warning("data share of %s: %s", start.astimezone(VIETNAM).date(), fault)
        day = f"{start.astimezone(VIETNAM).date()}"
        self._alert.follow(
            "data-share-faulty",
            "data-share",
            is_open=bool(faults),
            count=len(faults),
            detail=f"{day}: {faults[0]}." if faults else f"{day}: every sum closes and nothing was lost.",
            facts={"day": day},
        )
