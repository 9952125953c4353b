"""Settings of the aggregator, from ``QUANTRAC_<NAME>``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from quantrac.domain.averaging import AverageRules
from quantrac.domain.readings import Flag
from quantrac.io.settings import ServiceSettings
from services.aggregator.watch.rules import WatchRules


class AggregatorSettings(ServiceSettings):
    """Beside those of every service."""

    sink_batch: int = 5_000
    """Messages stored together, half of them raw files: 37,500 readings of files with 15 lines."""
    sink_gather_seconds: float = 0.5
    """How long the sink waits to fill a batch; ClickHouse likes few large inserts."""
    windows_flush_seconds: float = 2.0
    """How long dirty hours are collected before they are computed together."""
    windows_data: str = ""
    """Folder for the stream library's own files; empty takes a temporary one."""
    watch_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How often causes of alerts are looked for."""
    watch_grace_seconds: Annotated[int, Field(ge=0)] = 60
    """How long data have to be at rest, and what did not come has to be found, before an alert opens."""
    watch_grace_minutes: Annotated[float, Field(gt=0)] = 15.0
    """How long past the expected file a station is silent; source: the national software's habit."""
    watch_parameter_grace_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How long past it a parameter is silent while others come; source: default, unverified."""
    watch_completeness: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of 24 hours' readings below which a station is incomplete; source: default, unverified."""
    watch_late_minutes: Annotated[float, Field(gt=0)] = 60.0
    """How old a file's newest reading is when the file is of a backlog; source: default, unverified."""
    watch_backlog_files: Annotated[int, Field(gt=0)] = 12
    """More files of a backlog than this within the next setting open one; source: default, unverified."""
    watch_backlog_minutes: Annotated[float, Field(gt=0)] = 10.0
    """Within how long, and after how long without one it is over; source: default, unverified."""
    watch_calm_minutes: Annotated[float, Field(gt=0)] = 30.0
    """How long no value reaches a warning level before the alert falls; source: default, unverified."""
    watch_compare_seconds: Annotated[int, Field(gt=0)] = 600
    """How often open alerts are compared with what is stored."""
    watch_rejects_minutes: Annotated[float, Field(gt=0)] = 120.0
    """How long after the last rejected line of a reason its alert is over; source: default, unverified."""
    watch_data: str = ""
    """As ``windows_data``, of the role ``watch``."""
    notify_config: Path | None = None
    """File that says whom the role ``notify`` sends alerts, and how."""
    notify_seconds: Annotated[float, Field(gt=0)] = 5.0
    """How often it looks for alerts to send."""
    notify_days: Annotated[float, Field(gt=0)] = 7.0
    """How long after its last change an alert is still sent, to a target that was away or is new."""
    average_share: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of its members that makes an average complete; source: default, unverified."""
    average_suspect: bool = False
    """Whether readings flagged suspect count beside those flagged good."""
    average_below_limit: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of its limit that a value such as ``<0.2`` counts as; source: Directive 2009/90/EC Art. 5, for
    Vietnam default, unverified."""

    @property
    def watch_rules(self) -> WatchRules:
        """When a cause of an alert begins and ends to hold."""
        return WatchRules(
            grace=round(self.watch_grace_minutes * 60),
            parameter_grace=round(self.watch_parameter_grace_minutes * 60),
            completeness=self.watch_completeness,
            late=round(self.watch_late_minutes * 60),
            backlog_files=self.watch_backlog_files,
            backlog_window=round(self.watch_backlog_minutes * 60),
            calm=round(self.watch_calm_minutes * 60),
            rest=self.watch_grace_seconds,
            rejects=round(self.watch_rejects_minutes * 60),
        )

    @property
    def average_rules(self) -> AverageRules:
        """What counts in averages."""
        flags = {Flag.GOOD, Flag.SUSPECT} if self.average_suspect else {Flag.GOOD}
        return AverageRules(self.average_share, frozenset(flags), self.average_below_limit)
