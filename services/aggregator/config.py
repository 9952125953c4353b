"""Settings of the aggregator, from ``QUANTRAC_<NAME>``."""

from typing import Annotated

from pydantic import Field

from quantrac.domain.averaging import AverageRules
from quantrac.domain.readings import Flag
from quantrac.io.settings import ServiceSettings


class AggregatorSettings(ServiceSettings):
    """Beside those of every service."""

    sink_batch: int = 2_000
    """Messages in one insert: 30,000 readings of files with 15 lines."""
    sink_gather_seconds: float = 0.5
    """How long the sink waits to fill a batch; ClickHouse likes few large inserts."""
    windows_flush_seconds: float = 2.0
    """How long dirty hours are collected before they are computed together."""
    windows_data: str = ""
    """Folder for the stream library's own files; empty takes a temporary one."""
    average_share: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of its members that makes an average complete; source: default, unverified."""
    average_suspect: bool = False
    """Whether readings flagged suspect count beside those flagged good."""

    @property
    def average_rules(self) -> AverageRules:
        """What counts in averages."""
        flags = {Flag.GOOD, Flag.SUSPECT} if self.average_suspect else {Flag.GOOD}
        return AverageRules(self.average_share, frozenset(flags))
